package stage

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/leasehold/leasehold/handlers/run"
)

// place puts the image into its place, with what is the node's own in it.
func (w want) place(ctx context.Context, on run.Runner) error {
	if w.how != InPlace {
		if err := w.check(ctx, on); err != nil {
			return err
		}
		if err := w.bring(ctx, on); err != nil {
			return err
		}
	}
	if err := w.personalise(ctx, on); err != nil {
		return err
	}
	if !w.file {
		return nil
	}
	_, err := run.Must(ctx, on, run.Cmd{Args: []string{"mv", "-T", "--", w.part(), w.target}})
	return err
}

// check looks at the original before anything is made of it.
func (w want) check(ctx context.Context, on run.Runner) error {
	o, err := run.Must(ctx, on, run.Cmd{Args: []string{"stat", "--dereference", "--format=%s", "--", w.image}})
	if err != nil {
		return fmt.Errorf("stage: the image %s: %w", w.image, err)
	}
	got, err := strconv.ParseInt(strings.TrimSpace(o.Stdout), 10, 64)
	switch {
	case err != nil:
		return fmt.Errorf("stage: the size of %s is told as %.40q", w.image, o.Stdout)
	case w.bytes > 0 && got < w.bytes:
		return fmt.Errorf("stage: the image %s is truncated: it has %d octets of %d", w.image, got, w.bytes)
	case w.bytes > 0 && got > w.bytes:
		return fmt.Errorf("stage: the image %s has %d octets, not %d: it is another", w.image, got, w.bytes)
	case got == 0:
		return fmt.Errorf("stage: the image %s is empty", w.image)
	}
	return w.digest(ctx, on, w.image, 0)
}

// digest compares the SHA-256 of a file, or of its first octets, with the image's.
func (w want) digest(ctx context.Context, on run.Runner, file string, octets int64) error {
	if w.sum == "" {
		return nil
	}
	c := run.Cmd{Args: []string{"sha256sum", "--", file}}
	if octets > 0 {
		c.Args = []string{"sh", "-c", `head -c "$2" -- "$1" | sha256sum`, "sh", file, strconv.FormatInt(octets, 10)}
	}
	o, err := run.Must(ctx, on, c)
	if err != nil {
		return err
	}
	if got, _, _ := strings.Cut(strings.TrimPrefix(o.Stdout, `\`), " "); got != w.sum {
		return fmt.Errorf("stage: %s has the SHA-256 %.64s, not %s: it is damaged, or another", file, got, w.sum)
	}
	return nil
}

// bring copies the image, or lays a layer over it.
func (w want) bring(ctx context.Context, on run.Runner) error {
	if w.file {
		if _, err := run.Must(ctx, on, run.Cmd{Args: []string{"rm", "-f", "--", w.part()}}); err != nil {
			return err
		}
	}
	switch {
	case w.how == Overlay:
		_, err := run.Must(ctx, on, run.Cmd{Args: []string{"qemu-img", "create", "-q", "-f", "qcow2", "-F", w.format, "-b", w.image, w.part()}})
		return err
	case w.how == Copy:
		_, err := run.Must(ctx, on, run.Cmd{Args: []string{"cp", "--reflink=auto", "--sparse=auto", "--", w.image, w.part()}})
		if err == nil {
			err = w.digest(ctx, on, w.part(), 0)
		}
		return err
	case w.format == "qcow2":
		_, err := run.Must(ctx, on, run.Cmd{Args: []string{"qemu-img", "convert", "-q", "-n", "-f", "qcow2", "-O", "raw", w.image, w.target}})
		return err
	}
	if _, err := run.Must(ctx, on, run.Cmd{Args: []string{"dd", "if=" + w.image, "of=" + w.target, "bs=4M", "conv=notrunc,fsync", "status=none"}}); err != nil {
		return err
	}
	if w.bytes > 0 { // what is on the disk now, and not what was sent there
		return w.digest(ctx, on, w.target, w.bytes)
	}
	return nil
}

// inside is the beginning of a text that sees in $root the file system of the disk or file
// $1, in its partition $2 unless that is 0, and its own arguments from $1 on. A qcow2 becomes
// a plain disk with FUSE. All of it is mounted in the command's own namespace and goes with
// it.
const inside = `disk=$1 partition=$2 form=$3
shift 3
work=$(mktemp -d)
mount -t tmpfs tmpfs "$work"
root=$work/root
mkdir "$root"
daemon=
end() {
    umount "$root" 2>/dev/null || :
    [ -z "$daemon" ] || { kill "$daemon" && wait "$daemon" || :; }
    umount "$work" 2>/dev/null || umount -l "$work"
    rmdir "$work"
}
trap end EXIT
if [ "$form" = qcow2 ]; then
    : >"$work/disk"
    qemu-storage-daemon --blockdev "driver=qcow2,node-name=d,file.driver=file,file.filename=$disk" \
        --export "type=fuse,id=e,node-name=d,mountpoint=$work/disk,writable=on" </dev/null >&2 &
    daemon=$!
    until [ -s "$work/disk" ]; do
        kill -0 "$daemon" || { daemon=; exit 44; }
        sleep 0.1
    done
    disk=$work/disk
fi
offset=0
if [ "$partition" != 0 ]; then
    start=$(partx --show --noheadings --output START --nr "$partition" "$disk" | tr -d ' ')
    [ -n "$start" ] || { echo "there is no partition $partition" >&2; exit 44; }
    offset=$((start * 512))
fi
mount -o "loop,offset=$offset" "$disk" "$root"
`

// enter runs a text inside the node's image.
func (w want) enter(ctx context.Context, on run.Runner, text, stdin string, args ...string) (run.Output, error) {
	form := "raw"
	if w.qcow() {
		form = "qcow2"
	}
	all := []string{"unshare", "--mount", "--propagation", "private", "sh", "-euc", inside + text, "sh", w.part(), strconv.FormatInt(w.partition, 10), form}
	return on.Run(ctx, run.Cmd{Args: append(all, args...), Stdin: stdin})
}

// marked is a text that ends with 0 when the image has the mark that is its argument.
const marked = `test "$(cat "$root/etc/leasehold/unit" 2>/dev/null)" = "$1"`

// unpack is a text that unpacks an archive into the image. A link in the way could lead out
// of it.
const unpack = `[ -d "$root/etc" ] || { echo 'it holds no root file system' >&2; exit 44; }
for dir in etc etc/ssh etc/leasehold root root/.ssh; do
    if [ -L "$root/$dir" ] || { [ -e "$root/$dir" ] && [ ! -d "$root/$dir" ]; }; then
        echo "/$dir in it is no folder" >&2
        exit 44
    fi
done
tar --extract --numeric-owner --no-overwrite-dir --directory "$root" --file -
sync -f "$root"
umount "$root"
`

// personalise writes what is the node's own into its image.
func (w want) personalise(ctx context.Context, on run.Runner) error {
	o, err := w.enter(ctx, on, unpack, w.own)
	if err == nil && o.Code != 0 {
		err = fmt.Errorf("stage: %s cannot be made the node's own: %.300s", w.part(), strings.Join(strings.Fields(o.Stderr), " "))
	}
	return err
}
