package wiring

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/cmd/internal/config"
	"github.com/leasehold/leasehold/conformance/setup"
	"github.com/leasehold/leasehold/handlers"
	"github.com/leasehold/leasehold/handlers/nodeagent"
	"github.com/leasehold/leasehold/handlers/nodeagent/pack"
	"github.com/leasehold/leasehold/handlers/run/agentrun"
	wire "github.com/leasehold/leasehold/wire/nodeagent"
	"github.com/leasehold/leasehold/wssec/keys"
)

// TestThroughAgents: an actor's script runs its steps on a node through the node's agent, and
// the actions of a driver package that is installed there.
func TestThroughAgents(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	id, err := keys.Generate(rand.Reader, "11111111-1111-1111-1111-111111111111", "site", keys.RSA2048, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	if err == nil {
		err = id.Save(filepath.Join(dir, "keys"))
	}
	if err != nil {
		t.Fatal(err)
	}
	node := setup.StartNodeAgent(t, id.Cert, nodeagent.Hash)
	ask := func(cert keys.Identity, q wire.Request) wire.Response {
		t.Helper()
		r, err := agentrun.New(agentrun.Config{URL: node.URL, Agent: cert.Cert, Identity: id})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		got, err := r.Do(t.Context(), q)
		if err != nil || got.Code != 0 {
			t.Fatal(got, err)
		}
		return got
	}
	message := []byte("<keymastermessage/>")
	sum := sha256.Sum256(message)
	signature, err := id.Key.Sign(nil, sum[:], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	first := ask(id, wire.Request{Op: wire.RegisterAuthorityKey, Alias: "a", Certificate: id.Cert.Raw, Message: message, Signature: signature})
	cert, err := nodeagent.OpenAnswer(id.Key.(*rsa.PrivateKey), first.Reply, first.Key, node.Token)
	if err != nil {
		t.Fatal(err)
	}
	data, err := pack.Build(pack.Manifest{ID: "web", Version: "1", Actions: map[string]pack.Action{"up": {Run: []string{"up"}}}},
		[]pack.File{{Name: "up", Exec: true, Data: []byte("#!/bin/sh\necho x >> ran\necho '{\"properties\":{\"unit.port\":\"80\"}}'\n")}}, id.Key, id.Cert)
	if err != nil {
		t.Fatal(err)
	}
	ask(keys.Identity{Cert: cert}, wire.Request{Op: wire.InstallDriver, Driver: "web", Package: data})
	file := func(name, text string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	h := config.Handler{Driver: "script", Script: file("s.yaml", `
version: 1
actions:
  setup:
    - {run: [printenv, HOME], save: unit.home}
    - {run: [echo, "it's ${unit.id}"], on: nodeagent, save: unit.said}
    - {agent: web, action: up, properties: {action.key: "${action.key}", unit.id: "${unit.id}"}}
    - {run: [id], on: ssh, ignore: true}
`), Results: filepath.Join(dir, "results"), Machines: []config.Machine{{Name: "n1", Agent: node.URL, Certificate: file("node.pem", string(keys.CertificatePEM(cert))), Identity: filepath.Join(dir, "keys")}}}
	p := &Process{config: config.Config{State: t.TempDir()}}
	d, on, err := p.driver(&Actor{Config: config.Actor{Name: "a", Handler: &h}, log: logrus.New()})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		r, err := d.Setup(t.Context(), on(actors.Unit{ID: "u1", Host: "n1"}), handlers.Params{handlers.ParamUnit: "u1", handlers.ParamSequence: "1"})
		if err != nil || !r.Done || r.Properties["unit.said"] != "it's u1" || r.Properties["unit.port"] != "80" || filepath.Base(r.Properties["unit.home"]) != "data" {
			t.Fatalf("%+v, %v", r, err)
		}
	}
	for _, c := range p.closers {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	bad := h
	bad.Machines = []config.Machine{{Name: "n1", Agent: node.URL, Certificate: file("bad.pem", "x"), Identity: filepath.Join(dir, "keys")}}
	if _, _, err := p.driver(&Actor{Config: config.Actor{Name: "a", Handler: &bad}, log: logrus.New()}); err == nil {
		t.Error("no certificate was taken for one")
	}
}
