package peers_test

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// The images are made from this machine's own files, for there may be no
// registry to pull from. A server of Debian's runs in the first one, with this
// machine's /usr and /etc mounted.
const (
	scratch = "scratch" // two static binaries, and nothing else
	alpine  = "alpine"  // BusyBox's commands and shell
)

// owner labels what these tests make. Its value is the pid of the process that
// will remove it, or that did not come to.
const owner = "aweigh.test.pid"

// docker runs the command line client, and returns what it prints.
func docker(args ...string) (string, error) { return dockerReads(nil, args...) }

func dockerReads(stdin io.Reader, args ...string) (string, error) {
	var stdout, stderr bytes.Buffer
	cmd := exec.Command("docker", args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("docker %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return stdout.String(), nil
}

// engine is what keeps tests from running containers here, "" for nothing.
var engine = sync.OnceValue(func() string {
	if _, err := docker("version"); err != nil {
		return fmt.Sprintf("no container can be run here: test/setup installs and starts Docker (%v)", err)
	}
	if os.Getuid() != 0 {
		return "only root can read what a container writes"
	}
	sweep(func(pid int) bool { return syscall.Kill(pid, 0) == syscall.ESRCH })
	return ""
})

func needEngine(t *testing.T) {
	t.Helper()
	if why := engine(); why != "" {
		missing(t, why)
	}
}

// sweep removes the containers and images of the processes that gone chooses.
func sweep(gone func(pid int) bool) {
	for _, kind := range []struct{ list, remove []string }{
		{[]string{"ps", "--all", "--format", "{{.ID}} {{.Label \"" + owner + "\"}}", "--filter", "label=" + owner}, []string{"rm", "--force", "--volumes"}},
		{[]string{"images", "--format", "{{.Repository}}:{{.Tag}} {{.Tag}}", "--filter", "label=" + owner}, []string{"rmi", "--force"}},
	} {
		listed, _ := docker(kind.list...)
		for line := range strings.Lines(listed) {
			name, label, _ := strings.Cut(strings.TrimSpace(line), " ")
			if pid, err := strconv.Atoi(label); err == nil && gone(pid) {
				docker(append(kind.remove, name)...)
			}
		}
	}
}

// removeImages removes all that was made in Docker.
func removeImages() {
	if made := len(images[scratch].made) + len(images[alpine].made); made > 0 {
		sweep(func(pid int) bool { return pid == os.Getpid() })
	}
}

// image is made once, when the first test wants it.
type image struct {
	sync.Once
	needs    []string
	contents func(*layer)
	made     string // its name
	err      error
}

var images = map[string]*image{
	scratch: {contents: func(l *layer) {
		l.add("/aweigh-init", program)
		l.add("/goserver", goServer)
	}},
	alpine: {needs: []string{"/bin/busybox"}, contents: func(l *layer) {
		l.add("/aweigh-init", program)
		l.add("/bin/busybox", "/bin/busybox")
		applets, err := exec.Command("/bin/busybox", "--list").Output()
		l.fail(err)
		for _, name := range strings.Fields(string(applets)) {
			if name != "busybox" {
				l.link("/bin/"+name, "/bin/busybox")
			}
		}
	}},
}

// imageOf is the name of an image. Its entry point and health check are those
// that README.md recommends.
func imageOf(t *testing.T, name string) string {
	t.Helper()
	i := images[name]
	need(t, i.needs...)
	i.Do(func() {
		l := newLayer()
		i.contents(l)
		if i.err = l.close(); i.err != nil {
			return
		}
		i.made = fmt.Sprintf("aweigh-test-%s:%d", name, os.Getpid())
		_, i.err = dockerReads(&l.bytes, "import",
			"--change", "LABEL aweigh.test=1 "+owner+"="+strconv.Itoa(os.Getpid()),
			"--change", `ENTRYPOINT ["/aweigh-init", "--"]`,
			"--change", `HEALTHCHECK --interval=10s --timeout=3s --start-period=60s CMD ["/aweigh-init", "health"]`,
			"-", i.made)
	})
	if i.err != nil {
		t.Fatal(i.err)
	}
	return i.made
}

// layer is the files of an image.
type layer struct {
	bytes bytes.Buffer
	tar   *tar.Writer
	dirs  map[string]bool
	err   error
}

func newLayer() *layer {
	l := &layer{dirs: map[string]bool{"/": true}}
	l.tar = tar.NewWriter(&l.bytes)
	return l
}

func (l *layer) fail(err error) {
	if l.err == nil {
		l.err = err
	}
}

// add copies a file of this machine.
func (l *layer) add(name, from string) {
	b, err := os.ReadFile(from)
	l.fail(err)
	l.write(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o755, Size: int64(len(b))}, b)
}

func (l *layer) link(name, to string) {
	l.write(&tar.Header{Name: name, Typeflag: tar.TypeSymlink, Linkname: to}, nil)
}

func (l *layer) write(h *tar.Header, b []byte) {
	if dir := filepath.Dir(h.Name); !l.dirs[dir] {
		l.dirs[dir] = true
		l.write(&tar.Header{Name: dir + "/", Typeflag: tar.TypeDir, Mode: 0o755}, nil)
	}
	l.fail(l.tar.WriteHeader(h))
	_, err := l.tar.Write(b)
	l.fail(err)
}

func (l *layer) close() error {
	l.fail(l.tar.Close())
	return l.err
}
