package site_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/leasehold/leasehold/conformance/setup"
	"github.com/leasehold/leasehold/ldapschema"
)

// drift is what the command "cod reconcile" prints, as far as it matters here.
type drift struct {
	Files       int
	Differences []struct {
		Kind, Entry, Node, Lease, Attribute, What, Next string
		Ours, Theirs                                    []string
	}
}

// reconcile runs the command at a machine of the site's network, and returns what it
// finds beside operators' edits: kinds, nodes and attributes.
func (s *story) reconcile(from *node, more ...string) (found []string, d drift) {
	s.t.Helper()
	// The configuration's address of the directory is one of the server's machine alone;
	// everybody may read it at the other.
	cmd := exec.Command(program(s.t), append([]string{"cod", "reconcile", "--json", "--config", s.conf, "--hosts", "--dns", gateway, "--dhcp", gateway, "--tftp-root", s.tftp,
		"--directory", directoryURL + "/" + string(s.slapd.Base)}, more...)...)
	var out, said strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &said
	s.must(from.net.Do(cmd.Start))
	if err := cmd.Wait(); err != nil {
		s.t.Fatalf("leasehold cod reconcile: %v\n%s%s", err, out.String(), said.String())
	}
	s.must(json.Unmarshal([]byte(out.String()), &d))
	for _, x := range d.Differences {
		if x.What == "" || x.Next == "" {
			s.t.Errorf("a difference says too little: %+v", x)
		}
		if x.Kind != "conflict" {
			found = append(found, strings.TrimSpace(strings.Join([]string{x.Kind, x.Node, x.Attribute, strings.Join(x.Theirs, " ")}, " ")))
		}
	}
	slices.Sort(found)
	return slices.Compact(found), d
}

// finds waits until the command finds these, and nothing else.
func (s *story) finds(from *node, want ...string) {
	s.t.Helper()
	eventually(s.t, "reconcile", func() string {
		found, d := s.reconcile(from)
		if !slices.Equal(found, want) {
			text, _ := json.Marshal(d.Differences)
			return "it finds " + strings.Join(found, ", ") + "; want " + strings.Join(want, ", ") + "\n" + string(text)
		}
		return ""
	})
}

// reconciled compares everything with everything: with operators' edits alone, with a
// domain, a boot file and a record gone, and with daemons that say nothing. It leaves
// all as it was.
func (s *story) reconciled(from *node, machine, domain ldapschema.Host, dhcpd *setup.DHCPD) {
	s.t.Helper()
	s.finds(from)
	file := "pxelinux.cfg/01-" + strings.ReplaceAll(machine.MAC.String(), ":", "-")
	was, err := os.ReadFile(filepath.Join(s.tftp, file))
	s.must(err)
	s.must(os.WriteFile(filepath.Join(s.tftp, file), append([]byte(strings.SplitAfter(string(was), "\n")[0]), "LOCALBOOT 7\n"...), 0o644))
	at := s.dom0.Path("/srv/domains/" + domain.Name)
	made, err := os.ReadFile(at)
	s.must(err)
	s.must(os.Remove(at))
	s.finds(from, "daemon "+machine.Name+".alpha "+file, "host "+domain.Name+".alpha dom0 absent")
	if _, d := s.reconcile(from, "--apply"); d.Files != 1 {
		s.t.Errorf("mended %d boot files", d.Files)
	}
	if now, err := os.ReadFile(filepath.Join(s.tftp, file)); err != nil || string(now) != string(was) {
		s.t.Errorf("the boot file is %s, %v", now, err)
	}
	s.finds(from, "host "+domain.Name+".alpha dom0 absent")
	s.must(os.WriteFile(at, made, 0o644))
	// A server that says nothing has not forgotten everybody.
	dhcpd.Kill()
	s.finds(from, "sight")
	dhcpd.Start()
	s.finds(from)
}
