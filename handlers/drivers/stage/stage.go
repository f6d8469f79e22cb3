/*
Package stage is the driver that puts an image where a node starts from, and writes into
it what is the node's own (paper B 4.3: "staging and preparing the OS image, running in the
Xen control domain or on an OS-dependent trampoline").

The machine it works on is a control domain, where images are files that domains get as
disks, or a physical machine that booted a small system over the network, the trampoline,
where an image goes to the local disk. The image is copied, sharing its blocks where the
file system can, or put as a layer over the original (qcow2): a flash clone. A volume that
LVM or ZFS cloned is staged in place.

Into it go the lessee's public keys, the host key that the site knows in advance and has
published, and where the directory says what the node is. It is mounted for that in a mount
namespace of one command, so that nothing stays mounted whatever happens, and what an image
has as links is not followed out of it.

What is not whole is never found under its name: a file is made beside its place, and a
disk without the node's mark is staged again. An image that is shorter than it should be, or
another, is refused, and nothing is left of it.

Which image it is says the site's image registry, by the name that the lessee gave, with
its form, size and digest; or the site's settings, which then have the word for all nodes.
What was staged stays what it is when the registry changes.
*/
package stage

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/leasehold/leasehold/handlers"
	"github.com/leasehold/leasehold/handlers/run"
	"github.com/leasehold/leasehold/handlers/run/posix"
)

// Names of the parameters.
const (
	Image     = "stage.image"
	Format    = "stage.format"
	Bytes     = "stage.bytes"
	Sum       = "stage.sha256"
	How       = "stage.how"
	Folder    = "stage.folder"
	Target    = "stage.target"
	Partition = "stage.partition"
	Reboot    = "stage.reboot"
)

// How an image gets to its place.
const (
	Copy    = "copy"    // sharing blocks where the file system can
	Overlay = "overlay" // a layer over the original, which must stay as it is
	Write   = "write"   // octet by octet onto a disk
	InPlace = "inplace" // it is there
)

// Driver is the driver; its zero value is ready.
type Driver struct {
	// Answers reports whether a node is up that shows a host key, so that one which left
	// its trampoline is known to have arrived; nil means that it need not be.
	Answers func(ctx context.Context, address, hostKey string) bool
}

// Info lists d in a catalogue.
func (d Driver) Info() handlers.Info {
	return handlers.Info{Name: "stage", Doc: "Puts an image where a node starts from, with the node's own keys and name in it.", Driver: d, Params: []handlers.Param{
		{Name: handlers.ParamUnit, Doc: "the unit", Need: true},
		{Name: hostname, Doc: "the node's name", Need: true},
		{Name: Image, Site: true, Doc: "file of the image on the machine that stages it, for all nodes; without it the image registry says which"},
		{Name: Format, Site: true, Default: "raw", Doc: "form of that file: raw or qcow2"},
		{Name: Bytes, Site: true, Doc: "octets that the file has; another number is refused"},
		{Name: Sum, Site: true, Doc: "its SHA-256 in hexadecimal; another is refused"},
		{Name: How, Site: true, Default: Copy, Doc: "copy (sharing blocks where the file system can), overlay (a qcow2 layer over the image), write (onto a disk) or inplace"},
		{Name: Folder, Site: true, Doc: "where copies and layers go, each in a file named after its node"},
		{Name: Target, Site: true, Doc: "the disk or volume that is written, or is in place already"},
		{Name: Partition, Site: true, Doc: "number of the partition that holds the root file system; without one the image is a file system"},
		{Name: Reboot, Site: true, Doc: "yes starts the machine anew when the image is on its disk: it is a trampoline"},
		{Name: handlers.ParamImageSource, Doc: "file of the image, as the registry has it"},
		{Name: handlers.ParamImageFormat, Default: "raw", Doc: "its form: raw or qcow2"},
		{Name: handlers.ParamImageBytes, Doc: "octets that it has"},
		{Name: handlers.ParamImageDigest, Doc: "its digest, sha256: and hexadecimal digits"},
		{Name: handlers.ParamHostKey, Doc: "the node's private host key; the image keeps its own when there is none"},
	}}
}

// Names of what cod tells of a node.
const (
	hostname  = "unit.hostname"
	domain    = "unit.domain"
	address   = "unit.manage.ip"
	directory = "unit.directory.dn"
	servers   = "unit.directory.url"
	imageName = "config.image.guid"
)

// ends are those of the names of files, by whether they are in the form of qcow2.
var ends = map[bool]string{false: ".img", true: ".qcow2"}

// want is what is to be staged.
type want struct {
	name, folder                          string
	asked                                 string // the name of the image, as the lessee gave it
	unit, image, format, sum, how, target string
	bytes, partition                      int64
	file                                  bool // the target is a file of our own making
	reboot                                bool
	own                                   string // an archive of what goes into the image
}

func read(p handlers.Params) (w want, err error) {
	if w.unit, err = p.Need(handlers.ParamUnit); err != nil {
		return w, err
	}
	name, err := p.Need(hostname)
	if err != nil {
		return w, err
	}
	if strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || len(name) > 63 {
		return w, fmt.Errorf("stage: %.64q is no name of a node", name)
	}
	w.name = name
	w.how, w.folder = p.Get(How, Copy), p[Folder]
	size, from := p[Bytes], Bytes
	if w.image, w.format, w.sum = p[Image], p.Get(Format, "raw"), p[Sum]; w.image == "" && w.how != InPlace {
		w.image, w.format, w.sum = p[handlers.ParamImageSource], p.Get(handlers.ParamImageFormat, "raw"), p[handlers.ParamImageDigest]
		size, from = p[handlers.ParamImageBytes], handlers.ParamImageBytes
	}
	w.sum = strings.TrimPrefix(strings.ToLower(w.sum), "sha256:")
	w.target, w.reboot = p[Target], p[Reboot] == "yes"
	for _, n := range []struct {
		name, v string
		to      *int64
	}{{from, size, &w.bytes}, {Partition, p[Partition], &w.partition}} {
		if n.v != "" {
			if *n.to, err = strconv.ParseInt(n.v, 10, 62); err != nil || *n.to < 1 {
				return w, fmt.Errorf("stage: %s is no number: %.40q", n.name, n.v)
			}
		}
	}
	switch {
	case w.how != Copy && w.how != Overlay && w.how != Write && w.how != InPlace:
		return w, fmt.Errorf("stage: %s is copy, overlay, write or inplace, not %.20q", How, w.how)
	case w.partition > 128:
		return w, fmt.Errorf("stage: there is no partition %d", w.partition)
	}
	if w.how == Copy || w.how == Overlay {
		if err := posix.Path(w.folder); err != nil {
			return w, fmt.Errorf("stage: %s: %w", Folder, err)
		}
		w.target, w.file = w.folder+"/"+name+ends[w.qcow()], true
	}
	if err := posix.Path(w.target); err != nil {
		return w, err
	}
	if w.qcow() && strings.Contains(w.target, ",") {
		return w, fmt.Errorf("stage: %.80q has a comma, which qemu takes for its own", w.target)
	}
	w.asked = p[imageName]
	w.own, err = own(w.unit, name, p)
	return w, err
}

// qcow reports whether what is staged is in the form of qcow2, and no plain disk.
func (w want) qcow() bool { return w.how == Overlay || w.how == Copy && w.format == "qcow2" }

// part is where a file is made.
func (w want) part() string {
	if w.file {
		return w.target + ".leasehold-new"
	}
	return w.target
}

// Setup stages the image, unless the node has it.
func (d Driver) Setup(ctx context.Context, on run.Runner, p handlers.Params) (handlers.Result, error) {
	w, err := read(p)
	if err != nil {
		return handlers.Result{}, err
	}
	if w.reboot && d.Answers != nil && d.Answers(ctx, p[address], p[handlers.FactHostKey]) {
		return handlers.Result{Done: true}, nil // it has left the trampoline
	}
	there, err := w.settled(ctx, on)
	if err == nil && !there {
		there, err = w.whole(ctx, on)
	}
	if err != nil {
		return handlers.Result{}, err
	}
	if !there {
		if err := w.found(); err != nil {
			return handlers.Result{}, err
		}
		if w.file {
			if err := posix.Claim(ctx, on, w.target, w.unit); err != nil {
				return handlers.Result{}, err
			}
		}
		if err := w.place(ctx, on); err != nil {
			return handlers.Result{}, w.clean(ctx, on, err)
		}
	}
	if !w.reboot {
		return handlers.Result{Done: true, Properties: map[string]string{"stage.target": w.target}}, nil
	}
	// In a moment, so that this command still answers.
	if _, err := run.Must(ctx, on, run.Cmd{Args: []string{"sh", "-c", `sync; (sleep 1; reboot -f) </dev/null >/dev/null 2>&1 &`}}); err != nil {
		return handlers.Result{}, err
	}
	return handlers.Result{Done: d.Answers == nil, After: 10 * time.Second, Note: "the image is on its disk; it starts from there"}, nil
}

// Teardown removes what was made. A disk keeps what is on it: whoever has the machine next
// writes over it.
func (d Driver) Teardown(ctx context.Context, on run.Runner, p handlers.Params) (handlers.Result, error) {
	w, err := read(p)
	if err != nil {
		return handlers.Result{}, err
	}
	if !w.file {
		return handlers.Result{Done: true}, nil
	}
	for _, qcow := range []bool{false, true} { // the registry may have had another form of it
		w.target = w.folder + "/" + w.name + ends[qcow]
		ours, err := posix.Owned(ctx, on, w.target, w.unit)
		if err == nil && ours {
			if _, err = run.Must(ctx, on, run.Cmd{Args: []string{"rm", "-f", "--", w.target, w.part()}}); err == nil {
				err = posix.Release(ctx, on, w.target)
			}
		}
		if err != nil {
			return handlers.Result{}, err
		}
	}
	return handlers.Result{Done: true}, nil
}

// found says why there is no image that can be staged. A teardown does not mind.
func (w want) found() error {
	switch {
	case w.how == InPlace:
		return nil
	case w.image == "" && w.asked == "":
		return fmt.Errorf("stage: nobody says which image: the lease names none, and %s is not set", Image)
	case w.image == "":
		return fmt.Errorf("stage: the site's image registry has no image %.64q with contents", w.asked)
	case w.format != "raw" && w.format != "qcow2":
		return fmt.Errorf("stage: an image that is staged is raw or qcow2, not %.20q", w.format)
	case w.sum != "" && (len(w.sum) != 64 || strings.Trim(w.sum, "0123456789abcdef") != ""):
		return fmt.Errorf("stage: %.80q is no SHA-256", w.sum)
	}
	return posix.Path(w.image)
}

// settled reports whether a file of the node is there whose form is not the one that its
// image has now: the registry has changed since. The node keeps what it has.
func (w *want) settled(ctx context.Context, on run.Runner) (bool, error) {
	if !w.file {
		return false, nil
	}
	other := *w
	other.target = w.folder + "/" + w.name + ends[!w.qcow()]
	o, err := on.Run(ctx, run.Cmd{Args: []string{"test", "-e", other.target}})
	if err != nil || o.Code != 0 {
		return false, err
	}
	ours, err := posix.Owned(ctx, on, other.target, w.unit)
	if ours {
		w.target = other.target
	}
	return ours, err
}

// whole reports whether the node's image is in its place: a file that is there is whole,
// a disk is when it has the node's mark.
func (w want) whole(ctx context.Context, on run.Runner) (bool, error) {
	if w.file {
		o, err := on.Run(ctx, run.Cmd{Args: []string{"test", "-e", w.target}})
		if err != nil || o.Code != 0 {
			return false, err
		}
		ours, err := posix.Owned(ctx, on, w.target, w.unit)
		if err == nil && !ours {
			err = fmt.Errorf("stage: %s is there already, and is not this unit's", w.target)
		}
		return ours, err
	}
	o, err := w.enter(ctx, on, marked, "", w.unit)
	return o.Code == 0, err
}

// clean leaves nothing of a file that did not come to be, and tells why it did not.
func (w want) clean(ctx context.Context, on run.Runner, why error) error {
	if !w.file || ctx.Err() != nil {
		return why // the next call begins anew
	}
	if _, err := run.Must(ctx, on, run.Cmd{Args: []string{"rm", "-f", "--", w.part()}}); err != nil {
		return fmt.Errorf("%w; and %s is left: %w", why, w.part(), err)
	}
	if err := posix.Release(ctx, on, w.target); err != nil {
		return fmt.Errorf("%w; and its mark is left: %w", why, err)
	}
	return why
}
