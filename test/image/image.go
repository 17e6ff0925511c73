// Package image makes images of this machine's own files, for there may be no
// registry.
//
//	l := image.New()
//	l.Program("/usr/sbin/nginx")
//	l.Text("/etc/nginx/nginx.conf", "…")
//	err := l.Import("web:1", `CMD ["/usr/sbin/nginx"]`)
package image

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Layer is the files of an image. What goes wrong is told by Import.
type Layer struct {
	Host string // of the engine that Import speaks to; "" is that of this machine

	bytes bytes.Buffer
	tar   *tar.Writer
	there map[string]bool
	err   error
}

// New is a layer without files.
func New() *Layer {
	l := &Layer{there: map[string]bool{"/": true}}
	l.tar = tar.NewWriter(&l.bytes)
	return l
}

func (l *Layer) fail(err error) { l.err = errors.Join(l.err, err) }

// Dir adds a directory that everybody may write, and those above it.
func (l *Layer) Dir(name string) {
	if name = strings.TrimSuffix(name, "/") + "/"; l.there[name] {
		return
	}
	l.there[name] = true
	if parent := filepath.Dir(filepath.Clean(name)); parent != "/" {
		l.Dir(parent)
	}
	l.fail(l.tar.WriteHeader(&tar.Header{Name: strings.TrimPrefix(name, "/"), Typeflag: tar.TypeDir, Mode: 0o777}))
}

func (l *Layer) put(name string, mode int64, content []byte) {
	if l.there[name] {
		return
	}
	l.there[name] = true
	l.Dir(filepath.Dir(name))
	l.fail(l.tar.WriteHeader(&tar.Header{Name: strings.TrimPrefix(name, "/"), Typeflag: tar.TypeReg, Mode: mode, Size: int64(len(content))}))
	_, err := l.tar.Write(content)
	l.fail(err)
}

// Text adds a file with this content.
func (l *Layer) Text(name, content string) { l.put(name, 0o644, []byte(content)) }

// File adds a file of this machine, which may be executed.
func (l *Layer) File(name, from string) {
	content, err := os.ReadFile(from)
	if err != nil {
		l.fail(err)
		return
	}
	l.put(name, 0o755, content)
}

// Program adds a program or library with the libraries that it is linked with.
func (l *Layer) Program(path string) {
	l.File(path, path)
	out, err := exec.Command("ldd", path).Output()
	l.fail(err)
	for _, word := range strings.Fields(string(out)) {
		if strings.HasPrefix(word, "/") {
			l.File(word, word)
		}
	}
}

// Tree adds the files below a directory, but what lies below directories of these
// names.
func (l *Layer) Tree(dir string, without ...string) {
	l.fail(filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			for _, name := range without {
				if d.Name() == name {
					return fs.SkipDir
				}
			}
		default:
			if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
				l.File(path, path)
			}
		}
		return nil
	}))
}

// Import makes the image, with changes as of docker import.
func (l *Layer) Import(name string, changes ...string) error {
	if err := errors.Join(l.err, l.tar.Close()); err != nil {
		return err
	}
	args := []string{"--host", l.Host, "import"}
	for _, c := range changes {
		args = append(args, "--change", c)
	}
	cmd := exec.Command("docker", append(args, "-", name)...)
	cmd.Stdin = &l.bytes
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("docker import: %w: %s", err, out)
	}
	return nil
}
