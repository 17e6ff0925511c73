package drilling_test

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// image is made of this machine's own files, for there may be no registry.
type image struct {
	sync.Once
	needs   string
	changes []string
	fill    func(*layer)
	name    string
	err     error
}

var images = map[string]*image{
	"server": {
		changes: []string{`ENTRYPOINT ["/server"]`, "EXPOSE 8080", "VOLUME /data", "ENV DATA=/data"},
		fill:    func(l *layer) { l.file("/server", filepath.Join(bin, "server")) },
	},
	"nginx": {
		needs:   "/usr/sbin/nginx",
		changes: []string{`CMD ["/usr/sbin/nginx", "-g", "daemon off; error_log stderr;"]`, "EXPOSE 80"},
		fill: func(l *layer) {
			l.program("/usr/sbin/nginx")
			for _, file := range []string{"/etc/passwd", "/etc/group", "/etc/nginx/mime.types"} {
				l.file(file, file)
			}
			for _, dir := range []string{"/tmp/", "/run/", "/var/lib/nginx/", "/var/log/nginx/", "/usr/share/nginx/html/"} {
				l.dir(dir)
			}
			l.text("/usr/share/nginx/html/index.html", "well\n")
			l.text("/etc/nginx/nginx.conf", `user www-data;
events {}
http {
	include mime.types;
	access_log /dev/stdout;
	server {
		listen 80;
		root /usr/share/nginx/html;
	}
}
`)
		},
	},
}

// imageOf is the name of an image. It is skipped where an engine, or what the
// image is made of, is missing.
func imageOf(t *testing.T, name string) string {
	t.Helper()
	if _, err := tryDocker("version"); err != nil {
		missing(t, fmt.Sprintf("no container can be run here: test/setup installs and starts Docker (%v)", err))
	}
	i := images[name]
	if _, err := os.Stat(i.needs); i.needs != "" && err != nil {
		missing(t, fmt.Sprintf("%s is not there: test/setup installs it", i.needs))
	}
	i.Do(func() {
		l := newLayer()
		i.fill(l)
		if i.err = l.close(); i.err != nil {
			return
		}
		args := []string{"import"}
		for _, c := range i.changes {
			args = append(args, "--change", c)
		}
		i.name = fmt.Sprintf("aweigh-drilling-%s:%d", name, os.Getpid())
		cmd := exec.Command("docker", append(args, "-", i.name)...)
		cmd.Stdin = &l.bytes
		if out, err := cmd.CombinedOutput(); err != nil {
			i.err = fmt.Errorf("docker import: %w: %s", err, out)
		}
	})
	if i.err != nil {
		t.Fatal(i.err)
	}
	return i.name
}

func removeImages() {
	for _, i := range images {
		if i.name != "" {
			tryDocker("rmi", "--force", i.name)
		}
	}
}

// layer is the files of an image.
type layer struct {
	bytes bytes.Buffer
	tar   *tar.Writer
	there map[string]bool
	err   error
}

func newLayer() *layer {
	l := &layer{there: map[string]bool{"/": true}}
	l.tar = tar.NewWriter(&l.bytes)
	return l
}

func (l *layer) fail(err error) {
	if l.err == nil {
		l.err = err
	}
}

func (l *layer) dir(name string) {
	if name = strings.TrimSuffix(name, "/") + "/"; l.there[name] {
		return
	}
	l.there[name] = true
	if parent := filepath.Dir(filepath.Clean(name)); parent != "/" {
		l.dir(parent)
	}
	l.fail(l.tar.WriteHeader(&tar.Header{Name: strings.TrimPrefix(name, "/"), Typeflag: tar.TypeDir, Mode: 0o777}))
}

func (l *layer) put(name string, mode int64, content []byte) {
	if l.there[name] {
		return
	}
	l.there[name] = true
	l.dir(filepath.Dir(name))
	l.fail(l.tar.WriteHeader(&tar.Header{Name: strings.TrimPrefix(name, "/"), Typeflag: tar.TypeReg, Mode: mode, Size: int64(len(content))}))
	_, err := l.tar.Write(content)
	l.fail(err)
}

func (l *layer) text(name, content string) { l.put(name, 0o644, []byte(content)) }

func (l *layer) file(name, from string) {
	f, err := os.Open(from)
	if err != nil {
		l.fail(err)
		return
	}
	defer f.Close()
	content, err := io.ReadAll(f)
	l.fail(err)
	l.put(name, 0o755, content)
}

// program adds a program with the libraries that it is linked with.
func (l *layer) program(path string) {
	l.file(path, path)
	out, err := exec.Command("ldd", path).Output()
	l.fail(err)
	for _, word := range strings.Fields(string(out)) {
		if strings.HasPrefix(word, "/") {
			l.file(word, word)
		}
	}
}

func (l *layer) close() error {
	l.fail(l.tar.Close())
	return l.err
}
