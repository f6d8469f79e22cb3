package ldapschema

import "net/netip"

// An ExportRecord is a folder that a file server lets a network mount.
type ExportRecord struct {
	Name        string
	Server      string       // as nodes know it
	Path        string       // of the folder, on the server
	Clients     netip.Prefix // who may mount it
	Homes       bool         // every account of the cluster it lies in has a folder there
	Description string
	Mark
}

// ExportEntry is the entry cn=Name of an export, which lies below a cluster's
// ou=volumes.
func ExportEntry(under DN, x ExportRecord) (Entry, error) {
	homes := ""
	if x.Homes {
		homes = "TRUE"
	}
	return New(under.Child("cn", x.Name), "top", "device", "codExport").
		Set("codServer", x.Server).
		Need("codPath", x.Path).
		Set("codHomes", homes).
		setNetwork(x.Clients).
		Set("description", x.Description).
		mark(x.Mark).
		Build()
}

// ParseExport reads an export's entry back.
func ParseExport(e Entry) (ExportRecord, error) {
	r := reader{e: e}
	r.class("codExport")
	x := ExportRecord{Name: r.text("cn"), Server: r.text("codServer"), Path: r.text("codPath"), Homes: r.text("codHomes") == "TRUE",
		Clients: r.network(), Description: r.text("description"), Mark: markOf(&r)}
	if r.err != nil {
		return ExportRecord{}, r.err
	}
	return x, nil
}
