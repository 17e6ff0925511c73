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
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// prefix begins the name of each directory that these tests make in /tmp; the
// pid of the process that will remove it follows.
var prefix = fmt.Sprintf("awt-%d-", os.Getpid())

// engine is a Docker Engine of the tests' own: it can be killed without hurting
// anybody else's. All of it lives in a PID and mount namespace of its own, so
// that the end of the namespace's first process, which comes with ours at the
// latest, is the end of the engine, its containers and its mounts.
type engine struct {
	number int
	dir    string
	init   *exec.Cmd // holds the namespace
	inside string    // the pid of the namespace's first process, from here
	daemon *exec.Cmd
	http   *http.Client

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
	if os.Getuid() != 0 {
		missing(t, "only root can start a container engine")
	}
	for _, program := range []string{"dockerd", "docker", "unshare", "nsenter", "ip", "busybox"} {
		if _, err := exec.LookPath(program); err != nil {
			missing(t, fmt.Sprintf("no container engine can be started here, %s is not there: test/setup installs it", program))
		}
	}
	e := &engine{number: len(engines.made)}
	engines.made = append(engines.made, e)
	if err := e.prepare(); err != nil {
		t.Fatalf("an engine of our own: %v", err)
	}
	e.start(t)
	e.load(t)
	return e
}

func (e *engine) bridge() string   { return fmt.Sprintf("awt%d.%d", os.Getpid()%100000, e.number) }
func (e *engine) subnet() string   { return fmt.Sprintf("10.%d.%d", 160+os.Getpid()%64, e.number) }
func (e *engine) socket() string   { return filepath.Join(e.dir, "s") }
func (e *engine) host() string     { return "unix://" + e.socket() }
func (e *engine) log() string      { b, _ := os.ReadFile(filepath.Join(e.dir, "log")); return string(b) }
func (e *engine) pidFile() string  { return filepath.Join(e.dir, "pid") }
func (e *engine) cgroup() string   { return strings.TrimSuffix(prefix, "-") }
func (e *engine) confFile() string { return filepath.Join(e.dir, "daemon.json") }

// prepare makes the engine's network, directory and namespace.
func (e *engine) prepare() (err error) {
	if e.dir, err = os.MkdirTemp("/tmp", prefix); err != nil {
		return err
	}
	if err := os.WriteFile(e.confFile(), []byte("{}"), 0o600); err != nil {
		return err
	}
	for _, args := range [][]string{
		{"link", "add", "name", e.bridge(), "type", "bridge"},
		{"addr", "add", e.subnet() + ".1/24", "dev", e.bridge()},
		{"link", "set", e.bridge(), "up"},
	} {
		if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, out)
		}
	}
	// bash reaps what is orphaned, as a first process must.
	e.init = exec.Command("unshare", "--pid", "--mount", "--fork", "--mount-proc", "--kill-child", "bash", "-c", "sleep infinity & wait; wait")
	e.init.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := e.init.Start(); err != nil {
		return err
	}
	if !within(patience, func() bool {
		b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", e.init.Process.Pid))
		e.inside = strings.TrimSpace(string(b))
		return e.inside != ""
	}) {
		return fmt.Errorf("unshare has started nothing")
	}
	e.http = &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", e.socket())
	}}}
	return nil
}

// enter runs a program in the engine's namespace.
func (e *engine) enter(args ...string) *exec.Cmd {
	return exec.Command("nsenter", append([]string{"--target", e.inside, "--pid", "--mount"}, args...)...)
}

// start starts dockerd, and waits until it answers.
func (e *engine) start(t *testing.T) {
	t.Helper()
	log, err := os.OpenFile(filepath.Join(e.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	// It leaves this machine's packet filter alone, which it would else share
	// with the engine that runs here.
	e.daemon = e.enter("dockerd", "--config-file", e.confFile(), "--data-root", filepath.Join(e.dir, "data"), "--exec-root", filepath.Join(e.dir, "exec"),
		"--pidfile", e.pidFile(), "--host", e.host(), "--bridge", e.bridge(), "--iptables=false", "--ip-masq=false", "--ip-forward=false",
		"--cgroup-parent", "/"+e.cgroup())
	e.daemon.Stdout, e.daemon.Stderr = log, log
	if err := e.daemon.Start(); err != nil {
		t.Fatal(err)
	}
	if !within(patience, func() bool { _, err := e.get("/_ping"); return err == nil }) {
		t.Fatalf("dockerd does not answer:\n%s", e.log())
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
	pid, err := os.ReadFile(e.pidFile())
	if err != nil {
		t.Fatal(err)
	}
	if out, err := e.enter("kill", "-"+strconv.Itoa(int(signal)), strings.TrimSpace(string(pid))).CombinedOutput(); err != nil {
		t.Fatalf("dockerd cannot be signalled: %v: %s", err, out)
	}
	e.daemon.Wait()
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
		cmd := exec.Command("docker", "--host", e.host(), "import", "--change", "LABEL name="+name, "-", name)
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
	cmd := exec.Command("docker", append([]string{"--host", e.host()}, args...)...)
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
	cmd.Env = append(os.Environ(), "DOCKER_HOST="+e.host())
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
		e.close()
	}
}

// close ends the engine and all that is in its namespace.
func (e *engine) close() {
	if e.closed != nil {
		e.closed()
	}
	if e.init != nil && e.init.Process != nil {
		if pid, err := strconv.Atoi(e.inside); err == nil {
			syscall.Kill(pid, syscall.SIGKILL)
		}
		e.init.Wait()
	}
	if e.daemon != nil {
		e.daemon.Wait()
	}
	exec.Command("ip", "link", "del", e.bridge()).Run()
	removeCgroups(e.cgroup())
	os.RemoveAll(e.dir)
}

func removeCgroups(name string) {
	for _, dir := range []string{"/sys/fs/cgroup/" + name, "/sys/fs/cgroup/*/" + name} {
		found, _ := filepath.Glob(dir)
		for _, top := range found {
			var below []string
			filepath.WalkDir(top, func(path string, d os.DirEntry, err error) error {
				if err == nil && d.IsDir() {
					below = append(below, path)
				}
				return nil
			})
			for _, dir := range slices.Backward(below) {
				syscall.Rmdir(dir)
			}
		}
	}
}

// sweep removes what runs have left that were killed. Their processes have
// ended with them.
func sweep() {
	gone := func(pid string) bool {
		n, err := strconv.Atoi(pid)
		return err == nil && syscall.Kill(n, 0) == syscall.ESRCH
	}
	dirs, _ := filepath.Glob("/tmp/awt-*-*")
	for _, dir := range dirs {
		if pid := strings.Split(filepath.Base(dir), "-")[1]; gone(pid) {
			syscall.Unmount(filepath.Join(dir, "full"), syscall.MNT_DETACH)
			os.RemoveAll(dir)
			removeCgroups("awt-" + pid)
		}
	}
	links, _ := filepath.Glob("/sys/class/net/awt*.*")
	for _, link := range links {
		name := filepath.Base(link)
		if pid, _, _ := strings.Cut(strings.TrimPrefix(name, "awt"), "."); gone(pid) {
			exec.Command("ip", "link", "del", name).Run()
		}
	}
}
