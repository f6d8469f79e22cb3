package upkeep

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/leasehold/leasehold/cod"
	"github.com/leasehold/leasehold/cod/boot/loader"
	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/ldapschema"
)

// An Image is one image of the registry, and who boots it.
type Image struct {
	Name        string        `json:"name"`
	Kernel      string        `json:"kernel,omitempty"`
	Initrd      string        `json:"initrd,omitempty"`
	Options     string        `json:"options,omitempty"`
	Up          string        `json:"up,omitempty"`
	Source      string        `json:"source,omitempty"`
	Format      string        `json:"format,omitempty"`
	Size        int64         `json:"size,omitempty"`
	Digest      string        `json:"digest,omitempty"`
	Description string        `json:"description,omitempty"`
	Entry       ldapschema.DN `json:"entry"`
	Problem     string        `json:"problem,omitempty"`
	Nodes       []string      `json:"nodes,omitempty"` // that boot it
}

func (d Desk) imageDN(name string) ldapschema.DN { return cod.ImagesDN(d.Base).Child("cn", name) }

// Images lists the registry by name.
func (d Desk) Images(ctx context.Context) ([]Image, error) {
	all, err := d.Directory.List(ctx, cod.ImagesDN(d.Base))
	if err != nil {
		return nil, err
	}
	nodes, err := d.Nodes(ctx)
	if err != nil {
		return nil, err
	}
	out := []Image{}
	for _, e := range all {
		if !e.IsA("codBootImage") {
			continue
		}
		i, err := ldapschema.ParseImage(e)
		v := Image{Name: i.Name, Kernel: i.Kernel, Initrd: i.Initrd, Options: i.Options, Up: i.Up, Source: i.Source, Format: i.Format,
			Size: i.Size, Digest: i.Digest, Description: i.Description, Entry: e.DN}
		if err != nil {
			_, v.Name = e.DN.RDN()
			v.Problem = err.Error()
		} else if err := loader.Bootable(i); i.Kernel != "" && err != nil {
			v.Problem = err.Error()
		}
		for _, n := range nodes {
			if n.Image == v.Name {
				v.Nodes = append(v.Nodes, n.Name+"."+n.Cluster)
			}
		}
		out = append(out, v)
	}
	return out, nil
}

// Image is one image of the registry.
func (d Desk) Image(ctx context.Context, name string) (Image, error) {
	all, err := d.Images(ctx)
	if err != nil {
		return Image{}, err
	}
	for _, i := range all {
		if strings.EqualFold(i.Name, name) {
			return i, nil
		}
	}
	return Image{}, absent("image", name, d.imageDN(name))
}

// imageAttrs are the attributes that an image's entry consists of.
var imageAttrs = []string{"codBootUp", "codImageDigest", "codImageFormat", "codImageSize", "codImageSource", "codInitrd", "codKernel", "codKernelOptions", "description"}

// formats are the forms that an image's contents may have.
var formats = []string{"raw", "qcow2", "tar", "volume"}

// AddImage puts an image into the registry. One that is there already is refused,
// unless replace is set: then what is said of it is changed, and the rest stays.
func (d Desk) AddImage(ctx context.Context, name string, replace bool, said ldapschema.Image) (Report, error) {
	r := Report{Dry: d.Dry}
	if name == "" || len(name) > 256 || strings.TrimSpace(name) != name || strings.ContainsFunc(name, func(c rune) bool { return c < ' ' || c == 0x7f }) {
		return r, fmt.Errorf("%.64q is no name of an image: one line of text", name)
	}
	have, known, err := d.read(ctx, d.imageDN(name))
	if err != nil {
		return r, err
	}
	i := ldapschema.Image{Name: name}
	if known {
		if !have.IsA("codBootImage") {
			return r, conflict(have.DN, "the entry is there and is no image")
		}
		if i, err = ldapschema.ParseImage(have); err != nil {
			return r, fmt.Errorf("mend the entry first: %w", err)
		}
	}
	for _, v := range []struct {
		old *string
		new string
	}{{&i.Kernel, said.Kernel}, {&i.Initrd, said.Initrd}, {&i.Options, said.Options}, {&i.Up, said.Up}, {&i.Source, said.Source},
		{&i.Format, said.Format}, {&i.Digest, said.Digest}, {&i.Description, said.Description}} {
		*v.old = cmp.Or(v.new, *v.old)
	}
	i.Size = cmp.Or(said.Size, i.Size)
	if err := checkImage(i); err != nil {
		return r, err
	}
	want, err := ldapschema.ImageEntry(cod.ImagesDN(d.Base), i)
	if err != nil {
		return r, err
	}
	c := ldapschema.AddEntry(want)
	if known {
		var any bool
		if c, any = edit(have, want, imageAttrs...); !any {
			r.add(Done{Entry: have.DN, What: Unchanged})
			return r, nil
		}
		if !replace {
			return r, &directory.Error{Op: "add", DN: have.DN, Kind: directory.ErrExists, Err: errors.New("the image is there already, otherwise; --replace changes it")}
		}
	}
	done, err := d.apply(ctx, c)
	if err == nil {
		r.add(done)
	}
	return r, err
}

// checkImage says what is wrong with an image that would only show when it is used.
func checkImage(i ldapschema.Image) error {
	var wrong []error
	if i.Kernel == "" && i.Source == "" {
		wrong = append(wrong, errors.New("an image needs a kernel to boot over the network, or a source to be copied from"))
	}
	if i.Kernel == "" && (i.Initrd != "" || i.Options != "") {
		wrong = append(wrong, errors.New("an initrd and kernel options go with a kernel"))
	}
	if i.Kernel != "" {
		wrong = append(wrong, loader.Bootable(i))
	}
	if i.Up != "" && i.Up != loader.Image && i.Up != loader.Local {
		wrong = append(wrong, fmt.Errorf("nodes in service boot %s or %s, not %.32q", loader.Image, loader.Local, i.Up))
	}
	known := i.Format == ""
	for _, f := range formats {
		known = known || f == i.Format
	}
	if !known {
		wrong = append(wrong, fmt.Errorf("the format is one of %s, not %.32q", strings.Join(formats, ", "), i.Format))
	}
	if hex, ok := strings.CutPrefix(i.Digest, "sha256:"); i.Digest != "" && (!ok || len(hex) != 64 || strings.Trim(hex, "0123456789abcdef") != "") {
		wrong = append(wrong, errors.New("a digest is sha256: and 64 lower-case hexadecimal digits"))
	}
	if i.Size < 0 {
		wrong = append(wrong, errors.New("a size is not negative"))
	}
	return errors.Join(wrong...)
}

// RemoveImage takes an image out of the registry. One that nodes boot is refused unless
// force is set.
func (d Desk) RemoveImage(ctx context.Context, name string, force bool) (Report, error) {
	r := Report{Dry: d.Dry}
	i, err := d.Image(ctx, name)
	if err != nil {
		return r, err
	}
	if len(i.Nodes) > 0 && !force {
		return r, conflict(i.Entry, "%d nodes boot it, %s among them; --force removes it all the same", len(i.Nodes), i.Nodes[0])
	}
	e, err := d.Directory.Read(ctx, i.Entry)
	if err != nil {
		return r, err
	}
	c := ldapschema.DeleteEntry(e.DN)
	c.Assert = assertion(e, imageAttrs...)
	if c.Assert == "" {
		c.Assert = "(objectClass=codBootImage)"
	}
	done, err := d.apply(ctx, c)
	if err == nil {
		r.add(done)
	}
	return r, err
}
