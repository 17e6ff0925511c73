package peers_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aweigh/aweigh"
)

// peers are the servers. Another one is another line.
var peers = []peer{
	nginx, redis, postgres, gunicorn, aiohttp, node, jvm, httpServer, goNetHTTP,
}

// peer is a server: how it is started well, and how badly.
type peer struct {
	name  string
	needs []string // commands, or files (patterns), without which it is skipped

	// good is how it is started; ends is what SIGTERM makes of it then.
	good func(s *site) launch
	ends aweigh.Exit
	// taken is how it ends, and in which words, when it finds its port taken.
	taken outcome
	// broken is a start with a mistake of the kind that people make with it.
	broken      func(s *site) launch
	brokenFails outcome
	// hung is a start that never comes to an end.
	hung      func(s *site) launch
	hungSays  string // a pattern in the line of start.failed
	hungStack string // a pattern in the snapshot's stacks, "" where the runtime tells none
}

// launch is one way to start a server.
type launch struct {
	command []string
	files   map[string]string // in the site's directory
	setUp   func(t *testing.T, s *site)
	env     []string
	flags   []string // for run, besides the port
}

// outcome is how a start fails: with which exit status, and in which words (a
// pattern).
type outcome struct {
	exit int
	says string
}

// site is where a server is started: its files, its ports, its records.
type site struct {
	service string
	dir     string // of its files, as the server sees it
	tmp     string // where it may write, as the server sees it
	port    int
	silent  string // host:port of a database that takes connections and never says a word

	files   string // dir on this machine
	records string // the record directory on this machine
}

// fifo, as the text of a file, makes a pipe that nobody writes to: opening it
// hangs as a file on a network file system does whose server is gone.
const fifo = "\x00fifo"

// newSite makes a site for a server that runs on this machine.
func newSite(t *testing.T, p peer) *site {
	t.Helper()
	dir := tempDir(t)
	s := &site{service: p.name, port: freePort(t), dir: dir, files: dir, tmp: filepath.Join(dir, "tmp"), records: filepath.Join(dir, "records")}
	if err := os.Mkdir(s.tmp, 0o777); err != nil {
		t.Fatal(err)
	}
	os.Chmod(s.tmp, 0o777)
	return s
}

// tempDir is t.TempDir for servers that run as another user.
func tempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "aweigh-peer-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	os.Chmod(dir, 0o755)
	return dir
}

// lay puts the files of a launch into place.
func (s *site) lay(t *testing.T, l launch) launch {
	t.Helper()
	writeFiles(t, s.files, l.files)
	if l.setUp != nil {
		l.setUp(t, s)
	}
	return l
}

// need skips a test by name, or fails it where everything must be there.
func need(t *testing.T, what ...string) {
	t.Helper()
	for _, w := range what {
		if strings.Contains(w, "/") {
			if found, _ := filepath.Glob(w); len(found) > 0 {
				continue
			}
		} else if _, err := exec.LookPath(w); err == nil {
			continue
		}
		missing(t, w+" is not there: test/setup installs it")
	}
}

func missing(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("AWEIGH_TEST_ALL") != "" {
		t.Fatalf("%s (AWEIGH_TEST_ALL is set)", why)
	}
	t.Skip(why)
}

func TestPeers(t *testing.T) {
	for _, p := range peers {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			need(t, p.needs...)
			t.Run("comes up and is stopped", p.comesUp)
			t.Run("is refused a port that is taken", p.isRefused)
			t.Run("finds its port taken by itself", p.findsPortTaken)
			t.Run("is started with a mistake", p.isMistaken)
			t.Run("listens on another port", p.listensElsewhere)
			t.Run("hangs", p.hangs)
			t.Run("is killed while it starts", p.isKilled)
		})
	}
}

func (p peer) comesUp(t *testing.T) {
	t.Parallel()
	s := newSite(t, p)
	r := supervise(t, s, s.lay(t, p.good(s)), s.port, "--stop-grace", "50s")
	ready := r.event("start.ready")
	if ready["service"] != p.name || ready["took_ms"] == "" || !strings.Contains(ready["target"], strconv.Itoa(s.port)) {
		t.Errorf("start.ready should tell service, time and target: %v", ready)
	}
	if code, said := r.health(s); code != 0 || said != "" {
		t.Errorf("health of a ready service: exit %d, %q; want 0 and silence", code, said)
	}
	during := descendants(r.cmd.Process.Pid)
	if open := phases(r.told(p.name).Phases); open != "exec listen verify" {
		t.Errorf("phases of a start that is ready: %q", open)
	}

	r.cmd.Process.Signal(syscall.SIGTERM)
	if code := r.wait(); code != p.ends.Code {
		t.Errorf("exit status %d after SIGTERM, want %d", code, p.ends.Code)
	}
	exit := r.event("run.exit")
	if exit["end"] != "stopped" || exit["exit"] != strconv.Itoa(p.ends.Code) {
		t.Errorf("run.exit says end=%s exit=%s, want stopped and %d", exit["end"], exit["exit"], p.ends.Code)
	}
	k := r.told(p.name)
	if k.Verdict != aweigh.Ready || k.Run == nil || k.Run.End != aweigh.RunStopped || k.Exit == nil || *k.Exit != p.ends {
		t.Errorf("the record says verdict %s, run %+v, exit %+v; want ready, stopped, %+v", k.Verdict, k.Run, k.Exit, p.ends)
	}
	if k.Probe == nil || k.Probe.Attempts < 1 || k.Probe.Target != ready["target"] {
		t.Errorf("the record's probe is %+v, the line's target %q", k.Probe, ready["target"])
	}
	r.goneWith(s, during)
	if code, said := r.health(s); code != 1 || said == "" {
		t.Errorf("health after the end: exit %d, %q; want 1 and a reason", code, said)
	}
}

// isRefused is about a port that is taken before: the server is not started.
func (p peer) isRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t, p)
	listen(t, "0.0.0.0", s.port)
	r := supervise(t, s, s.lay(t, p.good(s)), s.port)
	holder := fmt.Sprintf(`port %d is already in use by .*%s.* \(pid %d\)`, s.port, regexp.QuoteMeta(filepath.Base(os.Args[0])), os.Getpid())
	k := r.failed(p, aweigh.Refused, outcome{98, holder})
	if out := r.stdout.String(); out != "" {
		t.Errorf("it printed %q: it should not have been started", out)
	}
	if k.Exit != nil {
		t.Errorf("exit %+v of a service that was not started", k.Exit)
	}
}

// findsPortTaken is about a listener on another address of this host, which
// only collides with a service that wants the port on all of them.
func (p peer) findsPortTaken(t *testing.T) {
	t.Parallel()
	s := newSite(t, p)
	listen(t, "127.0.0.3", s.port)
	r := supervise(t, s, s.lay(t, p.good(s)), s.port)
	r.failed(p, aweigh.Crashed, p.taken)
}

func (p peer) isMistaken(t *testing.T) {
	t.Parallel()
	s := newSite(t, p)
	r := supervise(t, s, s.lay(t, p.broken(s)), s.port)
	r.failed(p, aweigh.Crashed, p.brokenFails)
}

func (p peer) listensElsewhere(t *testing.T) {
	t.Parallel()
	overtime(t, func(timeout string, soon func(bool) bool) {
		s := newSite(t, p)
		r := supervise(t, s, s.lay(t, p.good(s)), freePort(t), "--startup-timeout", timeout)
		r.wait()
		if soon(strings.Contains(r.event("start.failed")["msg"], "nothing of it listens")) {
			return
		}
		r.failed(p, aweigh.TimedOut, outcome{124, fmt.Sprintf(`it listens on \S+:%d.*, not on the expected port`, s.port)})
	})
}

func (p peer) hangs(t *testing.T) {
	t.Parallel()
	overtime(t, func(timeout string, soon func(bool) bool) {
		s := newSite(t, p)
		s.silent = silence(t)
		r := supervise(t, s, s.lay(t, p.hung(s)), s.port, "--startup-timeout", timeout, "--stop-grace", "3s")
		r.wait()
		msg := r.event("start.failed")["msg"]
		says := regexp.MustCompile(p.hungSays).MatchString(msg)
		if soon(!says || p.hungStack != "" && !regexp.MustCompile(p.hungStack).MatchString(r.told(p.name).stacks())) {
			return
		}
		k := r.failed(p, aweigh.TimedOut, outcome{124, p.hungSays})
		if p.hungStack != "" && !regexp.MustCompile(p.hungStack).MatchString(k.stacks()) {
			t.Errorf("no stack of the snapshot matches %q: %s\n%s", p.hungStack, k.stacks(), strings.Join(k.Snapshot.Notes, "\n"))
		}
		if k.Snapshot.Sentence == "" {
			t.Error("the snapshot has no sentence")
		}
	})
}

func (p peer) isKilled(t *testing.T) {
	t.Parallel()
	s := newSite(t, p)
	s.silent = silence(t)
	r := supervise(t, s, s.lay(t, p.hung(s)), s.port)
	r.event("start.phase", "phase", "listen")
	syscall.Kill(r.child(), syscall.SIGKILL)
	k := r.failed(p, aweigh.Crashed, outcome{137, "SIGKILL, sent from outside"})
	if want := (aweigh.Exit{Code: 137, Signal: "SIGKILL"}); k.Exit == nil || *k.Exit != want {
		t.Errorf("the record's exit is %+v, want %+v", k.Exit, want)
	}
}

// failed waits for the end of a start that fails, and compares all that is
// told of it: the exit status, the last line, the record.
func (r *supervised) failed(p peer, v aweigh.Verdict, want outcome) told {
	r.t.Helper()
	if code := r.wait(); code != want.exit {
		r.t.Errorf("exit status %d, want %d", code, want.exit)
	}
	line := r.event("start.failed")
	if line["verdict"] != string(v) || line["exit"] != strconv.Itoa(want.exit) {
		r.t.Errorf("start.failed says verdict=%s exit=%s, want %s and %d", line["verdict"], line["exit"], v, want.exit)
	}
	if !regexp.MustCompile(want.says).MatchString(line["msg"]) {
		r.t.Errorf("start.failed says\n  %s\nwhich does not match %q", line["msg"], want.says)
	}
	if last := fields(r.lastLine()); last["event"] != "start.failed" {
		r.t.Errorf("the last line should be that of start.failed: %v", last)
	}
	k := r.told(p.name)
	if k.Verdict != v || k.InARow != 1 || k.Reason == "" || !strings.HasPrefix(line["msg"], k.Reason) {
		r.t.Errorf("the record says verdict %s, %d in a row, for %q", k.Verdict, k.InARow, k.Reason)
	}
	if k.Run != nil {
		r.t.Errorf("a start that was never ready has a run: %+v", k.Run)
	}
	if v == aweigh.Crashed && (k.Exit == nil || k.Exit.Code != want.exit) {
		r.t.Errorf("the record's exit is %+v, want %d", k.Exit, want.exit)
	}
	if len(k.Phases) > 0 && !k.Phases[len(k.Phases)-1].Open {
		r.t.Errorf("the last phase of a failed start should be open: %+v", k.Phases)
	}
	return k
}

// goneWith sees to it that nothing is left of a service: none of the processes
// that it had, and its port is free for the next.
func (r *supervised) goneWith(s *site, during []process) {
	r.t.Helper()
	now := processes()
	for _, p := range during {
		if q, ok := now[p.pid]; ok && q.began == p.began {
			r.t.Errorf("left behind: %s (pid %d, state %c)", q.name, q.pid, q.state)
		}
	}
	l, err := net.Listen("tcp", fmt.Sprintf("0.0.0.0:%d", s.port))
	if err != nil {
		r.t.Errorf("its port is not free: %v", err)
		return
	}
	l.Close()
}

// phases names the phases in their order, open ones with a question mark.
func phases(all []aweigh.Phase) string {
	var names []string
	for _, p := range all {
		if p.Open {
			p.Name += "?"
		}
		names = append(names, p.Name)
	}
	return strings.Join(names, " ")
}

// overtime tries with longer and longer start deadlines, for how soon a server
// has come as far as the test wants it depends on the machine. The test calls
// soon with whether it seems to have been too soon, and leaves if that is so.
func overtime(t *testing.T, try func(timeout string, soon func(bool) bool)) {
	t.Helper()
	for _, timeout := range []time.Duration{1500 * time.Millisecond, 4 * time.Second, 10 * time.Second} {
		again := false
		try(timeout.String(), func(yes bool) bool {
			again = yes && timeout < 10*time.Second
			return again
		})
		if !again || t.Failed() {
			return
		}
	}
}

// silence is a database that takes connections and never says a word.
func silence(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().String()
}

// listen takes a port.
func listen(t *testing.T, host string, port int) {
	t.Helper()
	l, err := net.Listen("tcp4", fmt.Sprintf("%s:%d", host, port))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
}

var nextPort atomic.Int32

// freePort is a port that is free on all addresses, that no other test is
// given, and that the kernel gives to no outgoing connection (those are from
// 32768 on).
func freePort(t *testing.T) int {
	t.Helper()
	for range 1000 {
		port := 17000 + int(nextPort.Add(1))
		if l, err := net.Listen("tcp", fmt.Sprintf(":%d", port)); err == nil {
			l.Close()
			return port
		}
	}
	t.Fatal("no free port")
	return 0
}

// testdata reads a file that a server is made of.
func testdata(name string) string {
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		panic(err)
	}
	return string(b)
}

// lineOf is a pattern for the place in a stack where a file of testdata waits:
// format has %s for the file's name and %d for the line's number.
func lineOf(format, name string) string {
	for i, line := range strings.Split(testdata(name), "\n") {
		if strings.Contains(line, "waits here") {
			return fmt.Sprintf(format, regexp.QuoteMeta(filepath.Base(name)), i+1)
		}
	}
	panic("nothing waits in " + name)
}
