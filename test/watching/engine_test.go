package watching_test

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aweigh/aweigh/test/dockerd"
)

// enginePrefix begins the names of what the tests' own engines make, and prefix that
// of each directory that these tests make in /tmp; the pid of the process that will
// remove it follows.
const enginePrefix = "awt"

var prefix = fmt.Sprintf(enginePrefix+"-%d-", os.Getpid())

// engine is a Docker Engine of the tests' own.
type engine struct {
	*dockerd.Engine
	http *http.Client

	mu     sync.Mutex
	events []event
	closed context.CancelFunc
}

// image is BusyBox with aweigh-init; nextImage is its next release.
const (
	image     = "box"
	nextImage = "box:next"
)

var engines struct {
	sync.Mutex
	made   []*engine
	shared *engine
	why    string // there can be none
}

// sharedEngine is the engine of all tests but those that end one.
func sharedEngine(t *testing.T) *engine {
	t.Helper()
	engines.Lock()
	defer engines.Unlock()
	if engines.shared == nil {
		engines.shared = newEngine(t)
	}
	return engines.shared
}

// ownEngine is an engine that a test may end.
func ownEngine(t *testing.T) *engine {
	t.Helper()
	engines.Lock()
	defer engines.Unlock()
	return newEngine(t)
}

func newEngine(t *testing.T) *engine {
	t.Helper()
	if why := dockerd.Missing(); why != "" {
		missing(t, why)
	}
	if _, err := exec.LookPath("busybox"); err != nil {
		missing(t, "busybox is not there: test/setup installs it")
	}
	own, err := dockerd.New(enginePrefix, len(engines.made))
	if err != nil {
		t.Fatal(err)
	}
	e := &engine{Engine: own}
	engines.made = append(engines.made, e)
	e.http = &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", e.Socket())
	}}}
	e.start(t)
	e.load(t)
	return e
}

// start starts dockerd, and waits until it answers.
func (e *engine) start(t *testing.T) {
	t.Helper()
	if err := e.Start(); err != nil {
		t.Fatal(err)
	}
	if e.closed == nil {
		ctx, cancel := context.WithCancel(context.Background())
		e.closed = cancel
		go e.follow(ctx)
	}
}

// end sends dockerd a signal, and waits until it has ended.
func (e *engine) end(t *testing.T, signal syscall.Signal) {
	t.Helper()
	if err := e.End(signal); err != nil {
		t.Fatal(err)
	}
}

// load makes the image.
func (e *engine) load(t *testing.T) {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	add := func(name, from string) {
		content, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o755, Size: int64(len(content))})
		w.Write(content)
	}
	for _, dir := range []string{"bin/", "tmp/"} {
		w.WriteHeader(&tar.Header{Name: dir, Typeflag: tar.TypeDir, Mode: 0o777})
	}
	busybox, _ := exec.LookPath("busybox")
	add("bin/busybox", busybox)
	add("aweigh-init", filepath.Join(bin, "aweigh-init"))
	for _, name := range []string{"sh", "cat", "echo", "sleep", "httpd", "nc", "printf", "touch", "kill", "head", "dd", "seq", "true", "yes", "rm", "test", "mkdir", "tr", "wget"} {
		w.WriteHeader(&tar.Header{Name: "bin/" + name, Typeflag: tar.TypeSymlink, Linkname: "/bin/busybox"})
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{image, nextImage} {
		cmd := exec.Command("docker", "--host", e.Host(), "import", "--change", "LABEL name="+name, "-", name)
		cmd.Stdin = bytes.NewReader(b.Bytes())
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("docker import: %v: %s", err, out)
		}
	}
}

// docker runs the command line client, which must succeed.
func (e *engine) docker(t *testing.T, args ...string) string {
	t.Helper()
	out, err := e.try(args...)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(out)
}

func (e *engine) try(args ...string) (string, error) {
	var stdout, stderr bytes.Buffer
	cmd := exec.Command("docker", append([]string{"--host", e.Host()}, args...)...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("docker %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return stdout.String(), nil
}

// compose runs Debian's docker-compose on a file.
func (e *engine) compose(t *testing.T, file string, args ...string) {
	t.Helper()
	cmd := exec.Command("docker-compose", append([]string{"--file", file, "--no-ansi"}, args...)...)
	cmd.Env = append(os.Environ(), "DOCKER_HOST="+e.Host())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("docker-compose %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// run starts a container in the background, and removes it in the end. The
// script is its command, by BusyBox's shell.
func (e *engine) run(t *testing.T, name, script string, options ...string) string {
	t.Helper()
	e.removeLater(t, name)
	args := append([]string{"run", "--detach", "--name", name}, options...)
	return e.docker(t, append(args, image, "/bin/sh", "-c", script)...)
}

func (e *engine) removeLater(t *testing.T, name string) {
	t.Cleanup(func() {
		e.try("rm", "--force", "--volumes", name)
	})
}

// get asks the engine's API.
func (e *engine) get(path string) ([]byte, error) {
	answer, err := e.http.Get("http://engine" + path)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != 200 {
		err = fmt.Errorf("%s: %s: %s", path, answer.Status, b)
	}
	return b, err
}

// inspected is what the engine says of a container.
type inspected struct {
	ID           string `json:"Id"`
	RestartCount int
	State        struct {
		Status     string
		Running    bool
		Restarting bool
		ExitCode   int
		StartedAt  time.Time
		FinishedAt time.Time
	}
}

func (e *engine) inspect(name string) (in inspected, err error) {
	b, err := e.get("/containers/" + name + "/json")
	if err == nil {
		err = json.Unmarshal(b, &in)
	}
	return in, err
}

// becomes waits until the engine says so of a container.
func (e *engine) becomes(t *testing.T, name, what string, holds func(inspected) bool) inspected {
	t.Helper()
	var in inspected
	eventually(t, name+" "+what, func() bool {
		var err error
		in, err = e.inspect(name)
		return err == nil && holds(in)
	})
	return in
}

// event is one of the engine's own.
type event struct {
	Action   string
	TimeNano int64 `json:"timeNano"`
	Actor    struct {
		ID         string
		Attributes map[string]string
	}
}

func (v event) at() time.Time { return time.Unix(0, v.TimeNano) }

// follow keeps the engine's events, to compare with what the watcher saw.
func (e *engine) follow(ctx context.Context) {
	for ctx.Err() == nil {
		r, _ := http.NewRequestWithContext(ctx, "GET", `http://engine/events?filters={"type":{"container":true}}`, nil)
		answer, err := e.http.Do(r)
		if err != nil {
			time.Sleep(50 * time.Millisecond)
			continue
		}
		lines := json.NewDecoder(answer.Body)
		for {
			var v event
			if lines.Decode(&v) != nil {
				break
			}
			e.mu.Lock()
			e.events = append(e.events, v)
			e.mu.Unlock()
		}
		answer.Body.Close()
	}
}

// happened are the events of an action on the container of this name.
func (e *engine) happened(name, action string) []event {
	e.mu.Lock()
	defer e.mu.Unlock()
	var found []event
	for _, v := range e.events {
		if v.Action == action && v.Actor.Attributes["name"] == name {
			found = append(found, v)
		}
	}
	return found
}

func closeEngines() {
	engines.Lock()
	defer engines.Unlock()
	for _, e := range engines.made {
		if e.closed != nil {
			e.closed()
		}
		e.Close()
	}
}
