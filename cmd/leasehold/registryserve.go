package main

import (
	"context"
	"crypto/md5" //nolint:gosec // deployed actors pin registries by it
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	stdlog "log"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/leasehold/leasehold/actors/registrar"
	"github.com/leasehold/leasehold/cmd/internal/config"
	"github.com/leasehold/leasehold/wssec/keys"
	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"
)

// weakFingerprint is by what deployed actors pin a registry.
func weakFingerprint(der []byte) string {
	return strings.ReplaceAll(fmt.Sprintf("% X", md5.Sum(der)), " ", ":") //nolint:gosec // see above
}

func newRegistryIdentity(now time.Time) (keys.Identity, error) {
	return keys.Generate(rand.Reader, uuid.NewString(), "registry", keys.RSA2048, now.Add(-time.Hour).Truncate(time.Second), now.AddDate(10, 0, 0).Truncate(time.Second))
}

func (a *app) registryServe() *cobra.Command {
	return &cobra.Command{
		Use: "serve", Short: "Run a registry of actors", Args: noArgs,
		Long: `Run a registry of actors until SIGINT or SIGTERM. Actors register over TLS, each with its
own certificate, and are listed to others once an operator has verified them. The
fingerprints that actors pin the registry by are logged at the start: SHA-256 for ours,
MD5 for deployed ones (registry.certfingerprint).`,
		Example: "  leasehold registry serve --config ./registry/registry.yaml",
		RunE: func(c *cobra.Command, _ []string) error {
			conf, err := a.registryConfig()
			if err != nil {
				return err
			}
			return serveRegistry(c.Context(), conf, logger(conf.Log, a.err))
		},
	}
}

// serveRegistry runs until ctx ends.
func serveRegistry(ctx context.Context, conf config.Registrar, log *logrus.Logger) (err error) {
	cert, err := tls.LoadX509KeyPair(conf.Certificate, conf.Key)
	if err != nil {
		return fmt.Errorf("certificate of the registry: %w", err)
	}
	store, err := registrar.OpenStore(conf.State)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	r, err := registrar.New(registrar.Config{Store: store, Lax: conf.Lax, AnyAddress: conf.AnyAddress, Everybody: conf.Everybody, AutoVerify: conf.AutoVerify,
		Alive: conf.Alive, Images: conf.Images, Controllers: conf.Controllers, Log: log})
	if err != nil {
		return err
	}
	// The store is ours alone, so a socket that is there is what a crash left.
	if err := os.Remove(conf.Admin); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	admin, err := net.Listen("unix", conf.Admin)
	if err != nil {
		return err
	}
	if err := os.Chmod(conf.Admin, 0o600); err != nil {
		return errors.Join(err, admin.Close())
	}
	type front struct {
		l net.Listener
		h http.Handler
	}
	fronts := []front{{admin, r.Admin()}}
	open := func(address string) error {
		l, err := net.Listen("tcp", address)
		if err == nil {
			fronts = append(fronts, front{l, r})
		}
		return err
	}
	if err = open(conf.Listen); err == nil {
		last := &fronts[len(fronts)-1]
		log.WithField("address", last.l.Addr().String()).WithField("sha256", keys.Fingerprint(cert.Leaf)).
			WithField("md5", weakFingerprint(cert.Leaf.Raw)).Info("registry")
		// Anybody may connect, under a certificate of its own making: what it proves is said
		// in package registrar.
		last.l = tls.NewListener(last.l, &tls.Config{Certificates: []tls.Certificate{cert}, ClientAuth: tls.RequestClientCert, MinVersion: conf.TLS})
		if conf.Plain != "" {
			err = open(conf.Plain)
		}
	}
	if err != nil {
		for _, f := range fronts {
			_ = f.l.Close() // none has served yet
		}
		return err
	}
	ended := make(chan error, len(fronts))
	quietly := log.WriterLevel(logrus.DebugLevel)
	defer quietly.Close()
	var servers []*http.Server
	for _, f := range fronts {
		s := &http.Server{Handler: f.h, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: 60 * time.Second,
			IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10, ErrorLog: stdlog.New(quietly, "", 0)}
		servers = append(servers, s)
		go func() { ended <- s.Serve(f.l) }()
	}
	log.WithField("admin", conf.Admin).Info("serving")
	select {
	case err = <-ended:
	case <-ctx.Done():
	}
	end, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	for _, s := range servers {
		if s.Shutdown(end) != nil {
			_ = s.Close() // whoever still waits is cut off
		}
	}
	return err
}
