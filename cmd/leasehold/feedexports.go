package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/leasehold/leasehold/cod/exports"
	"github.com/leasehold/leasehold/cod/exports/table"
	"github.com/leasehold/leasehold/cod/feed"
	"github.com/spf13/cobra"
)

// feedExports is the flags of "feed exports".
type feedExports struct {
	feedSource
	file, format, root, reload string
	servers                    []string
}

// What a file server's reload is when nothing else is said, by format.
var exportsReload = map[string]string{"linux": "exportfs -ra", "ganesha": "systemctl reload nfs-ganesha"}

func (a *app) feedExportsCommand() *cobra.Command {
	var o feedExports
	c := &cobra.Command{
		Use:   "exports",
		Short: "Let each cluster mount its volume of a file server",
		Long: `Watch the directory's exports (class codExport) and write which network may mount which
folder into a file that an NFS server reads: Linux's own (exports(5)) or NFS-Ganesha.
Folders that are not there are made, and one for each account of a cluster in those
that hold homes. None is ever removed.

What lies outside --root is not exported whatever the directory says. A file that
somebody else wrote stays as it is. When a comparison would take away more than
--max-removal percent of the exports, none is and the log says so.

Ganesha reads the file when ganesha.conf says %include "/etc/ganesha/leasehold.conf".

A site has a volume for each cluster when its configuration names a file server:

  cod:
    homes: {server: nfs1.site.test, path: /export, options: "-fstype=nfs4,rw"}`,
		Example: `  leasehold feed exports --config site/leasehold.yaml --root /export
  leasehold feed exports --directory ldap://10.0.0.1/dc=site,dc=test --root /export \
    --server nfs1.site.test --format ganesha --file /etc/ganesha/leasehold.conf`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if !c.Flags().Changed("reload") {
				o.reload = exportsReload[o.format]
			}
			return follow(c.Context(), a, o.feedSource, o.follower, showExports)
		},
	}
	o.flags(c)
	f := c.Flags()
	f.StringVar(&o.file, "file", "/etc/exports.d/leasehold.exports", "file that the NFS server reads")
	f.StringVar(&o.format, "format", "linux", "who reads it: linux or ganesha")
	f.StringVar(&o.root, "root", "", "folder that all volumes lie below (required)")
	f.StringArrayVar(&o.servers, "server", nil, "name by which nodes know this server; may be repeated; default: every export is its")
	f.StringVar(&o.reload, "reload", "", `command that makes the server read the file; default "exportfs -ra", or for ganesha "systemctl reload nfs-ganesha"`)
	complete(c, "format", "linux", "ganesha")
	_ = c.MarkFlagFilename("file")
	_ = c.MarkFlagDirname("root")
	return c
}

func (o feedExports) follower(wrong *mistakes) (follower[exports.Report], *feed.Source) {
	f := &exports.Follower{File: o.file, Format: table.Linux, Root: filepath.Clean(o.root), Servers: o.servers,
		Reload: strings.Fields(o.reload), MaxRemoval: o.maxRemoval}
	switch o.format {
	case "linux":
	case "ganesha":
		f.Format = table.Ganesha
	default:
		wrong.add("--format: %.40q is neither linux nor ganesha", o.format)
	}
	if !filepath.IsAbs(o.root) {
		wrong.add("--root is needed: the folder that all volumes lie below, from /")
	} else {
		wrong.folder("root", o.root)
	}
	if _, err := os.Stat(filepath.Dir(o.file)); err != nil {
		wrong.add("--file: %w", err)
	}
	return f, &f.Source
}

func showExports(w io.Writer, r exports.Report) {
	row(w, "exports", r.Exports)
	if r.Changed {
		row(w, "written", "the file said something else")
	}
	for _, p := range r.Folders {
		row(w, "made", p)
	}
	if r.Held > 0 {
		row(w, "not removed", r.Held)
	}
	for _, p := range r.Problems {
		row(w, "problem", p)
	}
}
