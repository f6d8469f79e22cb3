/*
Package table decides which folders a file server lets whom mount, and writes that down
as Linux's kernel server (exports(5)) or NFS-Ganesha reads it. Package cod/exports puts
the file in place.

What it says follows from the directory's entries of class codExport alone, as far as
they name this server and a folder below the one that is its volumes'.
*/
package table

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"path"
	"slices"
	"strings"

	"github.com/leasehold/leasehold/ldapschema"
)

// Header begins every file that is written here and no other.
const Header = "# Leasehold writes this file; who may mount what is said in the directory.\n"

// An Export is one folder and the network that may mount it.
type Export struct {
	Path    string
	Clients string // such as 10.99.1.0/24
}

// Read says what one entry exports. ok is false for an export of another server; an
// error says why the entry means nothing here. servers are the names this one is known
// by, all when there are none; root is the folder that volumes lie below.
func Read(x ldapschema.ExportRecord, servers []string, root string) (e Export, ok bool, err error) {
	here := func(s string) bool { return strings.EqualFold(s, x.Server) }
	if len(servers) > 0 && !slices.ContainsFunc(servers, here) {
		return Export{}, false, nil
	}
	plain := strings.Trim(x.Path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./") == ""
	switch {
	case !plain || path.Clean(x.Path) != x.Path || !below(x.Path, root):
		return Export{}, false, fmt.Errorf("%.80q is no folder below %s", x.Path, root)
	case !x.Clients.IsValid():
		return Export{}, false, fmt.Errorf("%s: no network that may mount it", x.Path)
	}
	return Export{x.Path, x.Clients.String()}, true, nil
}

// below reports whether a clean path lies below a folder.
func below(p, root string) bool { return strings.HasPrefix(p, strings.TrimSuffix(root, "/")+"/") }

// Sort puts exports in order, each once.
func Sort(list []Export) []Export {
	slices.SortFunc(list, func(a, b Export) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Clients, b.Clients))
	})
	return slices.Compact(list)
}

// Linux is a file for /etc/exports.d, of exports in order.
func Linux(list []Export) string {
	var b strings.Builder
	b.WriteString(Header)
	for _, e := range list {
		fmt.Fprintf(&b, "%s\t%s(rw,sync,no_subtree_check,root_squash)\n", e.Path, e.Clients)
	}
	return b.String()
}

// Ganesha is a file for an %include of ganesha.conf, of exports in order.
func Ganesha(list []Export) string {
	var b strings.Builder
	b.WriteString(Header)
	used := map[uint32]bool{}
	for i := 0; i < len(list); {
		of := list[i].Path
		fmt.Fprintf(&b, "EXPORT {\n  Export_Id = %d;\n  Path = %s;\n  Pseudo = %[2]s;\n  Protocols = 4;\n  Transports = TCP;\n  SecType = sys;\n"+
			"  Squash = Root_Squash;\n  Access_Type = None;\n  FSAL { Name = VFS; }\n", number(of, used), of)
		for ; i < len(list) && list[i].Path == of; i++ {
			fmt.Fprintf(&b, "  CLIENT { Clients = %s; Access_Type = RW; }\n", list[i].Clients)
		}
		b.WriteString("}\n")
	}
	return b.String()
}

// number is an export's, from 1 to 65534. It follows from the path, so that others
// coming and going leave it as clients know it, and is the next one that is free where
// two would have the same.
func number(of string, used map[uint32]bool) uint32 {
	h := fnv.New32a()
	h.Write([]byte(of))
	n := h.Sum32()%65534 + 1
	for used[n] {
		n = n%65534 + 1
	}
	used[n] = true
	return n
}
