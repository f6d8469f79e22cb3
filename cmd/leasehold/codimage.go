package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/leasehold/leasehold/cod/upkeep"
	"github.com/leasehold/leasehold/ldapschema"
	"github.com/spf13/cobra"
)

func (a *app) codImage() *cobra.Command {
	c := &cobra.Command{
		Use:   "image",
		Short: "The images that nodes boot",
		Long: `The images that nodes boot: entries of class codBootImage below ou=images. A guest asks
for one by its name (config.image.guid, or image.id).`,
	}
	c.AddCommand(a.codImageAdd(), a.codImageList(), a.codImageShow(), a.codImageRemove())
	quiet(c)
	return c
}

func (a *app) codImageAdd() *cobra.Command {
	var o deskFlags
	var replace bool
	var given ldapschema.Image
	var file string
	c := &cobra.Command{
		Use:   "add NAME",
		Short: "Put an image into the registry, or change one with --replace",
		Long: `Put an image into the registry. Kernel and initrd are files below the boot server's
root. The contents, from which disks are copied, are named by --source; --file is
a source that is read now for its size and digest.`,
		Example: `  leasehold cod image add debian12 --kernel debian12/vmlinuz --initrd debian12/initrd.gz --options console=ttyS0,115200
  leasehold cod image add debian12 --replace --file /srv/images/debian12.raw --format raw`,
		Args: oneArg("name"),
		RunE: func(c *cobra.Command, args []string) error {
			if file != "" {
				if given.Source != "" || given.Digest != "" || given.Size != 0 {
					return usage("--file says source, size and digest itself")
				}
				if err := measure(file, &given); err != nil {
					return err
				}
			}
			return a.reports(c, o, func(d upkeep.Desk) (upkeep.Report, error) { return d.AddImage(c.Context(), args[0], replace, given) })
		},
	}
	o.change(c)
	f := c.Flags()
	f.StringVar(&given.Kernel, "kernel", "", "kernel, below the boot server's root")
	f.StringVar(&given.Initrd, "initrd", "", "initial file system, below the boot server's root")
	f.StringVar(&given.Options, "options", "", "what the kernel is told")
	f.StringVar(&given.Up, "up", "", "what nodes in service boot: local, their disk, or image, this again; default local")
	f.StringVar(&given.Source, "source", "", "where the contents are: a file, volume or URL")
	f.StringVar(&given.Format, "format", "", "form of the contents: raw, qcow2, tar or volume")
	f.StringVar(&given.Digest, "digest", "", "of the contents, as sha256:hexadecimal")
	f.Int64Var(&given.Size, "size", 0, "octets of the contents")
	f.StringVar(&given.Description, "description", "", "for people")
	f.StringVar(&file, "file", "", "the contents, to be read for size and digest")
	f.BoolVar(&replace, "replace", false, "change what is there already; what no flag names stays as it is")
	_ = c.MarkFlagFilename("file")
	return c
}

// measure reads an image's contents for their size and digest.
func measure(path string, i *ldapschema.Image) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	sum := sha256.New()
	if i.Size, err = io.Copy(sum, f); err != nil {
		return err
	}
	i.Digest = "sha256:" + hex.EncodeToString(sum.Sum(nil))
	i.Source, err = filepath.Abs(path)
	return err
}

func (a *app) codImageList() *cobra.Command {
	var o deskFlags
	c := &cobra.Command{
		Use:   "list",
		Short: "List images, and how many nodes boot each",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.atDesk(c, o, func(d upkeep.Desk) error {
				all, err := d.Images(c.Context())
				if err != nil {
					return err
				}
				return a.show(all, func(w io.Writer) {
					row(w, "IMAGE", "KERNEL", "SOURCE", "FORMAT", "SIZE", "NODES", "PROBLEM")
					for _, i := range all {
						row(w, i.Name, dash(i.Kernel), dash(i.Source), dash(i.Format), size(int(i.Size)), len(i.Nodes), dash(i.Problem))
					}
				})
			})
		},
	}
	o.directoryFlags.flags(c)
	return c
}

func (a *app) codImageShow() *cobra.Command {
	var o deskFlags
	c := &cobra.Command{
		Use:   "show NAME",
		Short: "Show one image",
		Args:  oneArg("name"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.atDesk(c, o, func(d upkeep.Desk) error {
				i, err := d.Image(c.Context(), args[0])
				if err != nil {
					return err
				}
				return a.show(i, func(w io.Writer) {
					for _, f := range [][2]string{{"image", i.Name}, {"problem", i.Problem}, {"kernel", i.Kernel}, {"initrd", i.Initrd}, {"options", i.Options},
						{"in service boots", i.Up}, {"source", i.Source}, {"format", i.Format}, {"size", fmt.Sprint(i.Size)}, {"digest", i.Digest},
						{"description", i.Description}, {"nodes", strings.Join(i.Nodes, " ")}, {"entry", string(i.Entry)}} {
						if f[1] != "" && f[1] != "0" {
							row(w, f[0], f[1])
						}
					}
				})
			})
		},
	}
	o.directoryFlags.flags(c)
	return c
}

func (a *app) codImageRemove() *cobra.Command {
	var o deskFlags
	var force bool
	c := &cobra.Command{
		Use:   "remove NAME",
		Short: "Take an image out of the registry",
		Args:  oneArg("name"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.reports(c, o, func(d upkeep.Desk) (upkeep.Report, error) { return d.RemoveImage(c.Context(), args[0], force) })
		},
	}
	o.change(c)
	c.Flags().BoolVar(&force, "force", false, "also when nodes boot it")
	return c
}
