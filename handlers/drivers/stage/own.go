package stage

import (
	"archive/tar"
	"bytes"
	"fmt"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/leasehold/leasehold/handlers"
)

// own is an archive of the files of an image that are one node's.
func own(unit, name string, p handlers.Params) (string, error) {
	line := func(values ...string) error {
		for _, v := range values {
			if strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r == 0x7f }) || len(v) > 1024 {
				return fmt.Errorf("stage: %.64q does not fit into one line", v)
			}
		}
		return nil
	}
	if err := line(unit, p[domain], p[directory], p[servers]); err != nil {
		return "", err
	}
	var b bytes.Buffer
	t := tar.NewWriter(&b)
	var failed error
	put := func(path string, mode int64, text string) {
		if failed != nil {
			return
		}
		h := &tar.Header{Name: path, Mode: mode, Size: int64(len(text)), Format: tar.FormatUSTAR, Typeflag: tar.TypeReg}
		if strings.HasSuffix(path, "/") {
			h.Typeflag = tar.TypeDir
		}
		if failed = t.WriteHeader(h); failed == nil {
			_, failed = t.Write([]byte(text))
		}
	}
	put("etc/hostname", 0o644, name+"\n")
	put("etc/leasehold/", 0o755, "")
	put("etc/leasehold/node", 0o644, "# what the directory says about this node is below this entry\n"+
		"name "+name+"\ndomain "+p[domain]+"\ndirectory "+p[directory]+"\nservers "+p[servers]+"\n")
	if key := p[handlers.ParamHostKey]; key != "" {
		signer, err := ssh.ParsePrivateKey([]byte(key))
		if err != nil {
			return "", fmt.Errorf("stage: the host key cannot be read: %w", err)
		}
		put("etc/ssh/ssh_host_ed25519_key", 0o600, key)
		put("etc/ssh/ssh_host_ed25519_key.pub", 0o644, string(ssh.MarshalAuthorizedKey(signer.PublicKey())))
	}
	if keys := p[handlers.ParamAdminKeys]; keys != "" {
		for k := range strings.Lines(keys) {
			if _, _, _, _, err := ssh.ParseAuthorizedKey([]byte(k)); err != nil {
				return "", fmt.Errorf("stage: %.40q is no public key", k)
			}
		}
		put("root/.ssh/", 0o700, "")
		put("root/.ssh/authorized_keys", 0o600, strings.TrimSuffix(keys, "\n")+"\n")
	}
	put("etc/leasehold/unit", 0o644, unit+"\n") // last: with it the image is whole
	if failed == nil {
		failed = t.Close()
	}
	return b.String(), failed
}
