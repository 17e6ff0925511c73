package snapshot

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aweigh/aweigh/internal/proc"
)

// What no snapshot may show: a value by a telling name, one within a URL, and
// one by a name that tells nothing.
var planted = []string{"hunter2-by-name", "hunter3-in-url", "hunter4-anywhere"}

func plant(env []string) []string {
	return append(env, "DB_PASSWORD="+planted[0], "DATABASE_URL=postgres://app:"+planted[1]+"@db/x", "PLAIN="+planted[2])
}

// recorder is the output of a service, as a supervisor records it.
type recorder struct {
	mu  sync.Mutex
	all []byte
}

func (r *recorder) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, b...)
	return len(b), nil
}

func (r *recorder) Mark() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return int64(len(r.all))
}

func (r *recorder) Since(mark int64) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]byte(nil), r.all[mark:]...)
}

// service is a started command, armed and with secrets in its environment.
type service struct {
	pid    int
	output *recorder
	exited chan struct{}
}

// hang starts a service that prints "up" and then hangs.
func hang(t *testing.T, armed bool, argv ...string) *service {
	t.Helper()
	path, err := exec.LookPath(argv[0])
	if err != nil {
		t.Skip(err)
	}
	env := plant(os.Environ())
	if armed {
		var disarm func()
		env, disarm, _ = Arm(argv, env, nil)
		t.Cleanup(disarm)
	}
	s := &service{output: &recorder{}, exited: make(chan struct{})}
	cmd := exec.Command(path, argv[1:]...)
	cmd.Env, cmd.Stdout, cmd.Stderr = env, s.output, s.output
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.pid = cmd.Process.Pid
	go func() { cmd.Wait(); close(s.exited) }()
	t.Cleanup(func() {
		syscall.Kill(-s.pid, syscall.SIGKILL)
		<-s.exited
	})
	until(t, "the service to be up", func() bool { return strings.Contains(string(s.output.Since(0)), "up\n") })
	return s
}

func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if done() {
			return
		}
	}
	t.Fatal("waited 30 s in vain for " + what)
}

// waits waits until the service hangs as it is meant to.
func (s *service) waits(t *testing.T, kind proc.Kind) *service {
	t.Helper()
	last := ""
	until(t, fmt.Sprintf("%q", kind), func() bool {
		snap := Take(t.Context(), s.pid, Options{})
		if snap.Sentence != last {
			last = snap.Sentence
			t.Log(last)
		}
		return snap.Wait != nil && snap.Wait.Kind == kind
	})
	return s
}

// take takes the final snapshot, and looks for secrets in it.
func (s *service) take(t *testing.T, how Stacks) Snapshot {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	snap := Take(ctx, s.pid, Options{Reason: "not ready within 120s", Stacks: how, Output: s.output})
	raw, err := json.Marshal(snap)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range planted {
		if strings.Contains(string(raw), secret) || strings.Contains(snap.Text(), secret) {
			t.Errorf("the snapshot shows %s", secret)
		}
	}
	t.Logf("%d ms\n%s", snap.TookMS, snap.Text())
	return snap
}

func (s *service) alive() bool {
	p, err := proc.Read(s.pid)
	return err == nil && p.State != 'Z'
}

// stack returns the only stack of a runtime, which must name all these.
func stack(t *testing.T, snap Snapshot, runtime string, names ...string) Stack {
	t.Helper()
	for _, k := range snap.Stacks {
		if k.Runtime != runtime {
			continue
		}
		for _, name := range names {
			if !strings.Contains(k.Text, name) {
				t.Errorf("the stack does not name %s: %+v", name, k)
			}
		}
		return k
	}
	t.Errorf("no stack of %s: %+v", runtime, snap.Stacks)
	return Stack{}
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// silent listens, and never answers.
func silent(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().String()
}

func TestTakeNamesTheLineWherePythonSleeps(t *testing.T) {
	app := write(t, "app.py", "import time\ndef load_catalogue():\n    print('up')\n    time.sleep(1000)\nload_catalogue()\n")
	s := hang(t, true, "python3", app, "--password", "hunter2-by-name").waits(t, proc.Sleeping)
	snap := s.take(t, Final)
	stack(t, snap, "python", `app.py", line 4 in load_catalogue`, `app.py", line 5 in <module>`)
	if snap.Wait == nil || snap.Wait.Kind != proc.Sleeping || !strings.Contains(snap.Sentence, "python3") {
		t.Errorf("the sentence is %q", snap.Sentence)
	}
	until(t, "it to end by SIGABRT", func() bool { return !s.alive() })
}

func TestTakeNamesTheServerThatPythonWaitsFor(t *testing.T) {
	addr := silent(t)
	host, port, _ := net.SplitHostPort(addr)
	app := write(t, "app.py", "import socket\ndef load_catalogue():\n    s = socket.create_connection(('"+host+"', "+port+"))\n    print('up')\n    s.recv(1)\nload_catalogue()\n")
	snap := hang(t, true, "python3", app).waits(t, proc.Answer).take(t, Final)
	stack(t, snap, "python", `line 5 in load_catalogue`)
	if want := "recvfrom() from " + addr + " (established)"; !strings.Contains(snap.Sentence, want) || snap.Wait.Peer != addr {
		t.Errorf("the sentence is %q, want %q", snap.Sentence, want)
	}
	if len(snap.Sockets) != 1 || snap.Sockets[0].Remote.String() != addr {
		t.Errorf("sockets %+v", snap.Sockets)
	}
}

func TestTakeAsksEachPythonOfATree(t *testing.T) {
	app := write(t, "app.py", `import os, time
def worker():
    time.sleep(1000)
def master():
    for _ in range(2):
        if os.fork() == 0: worker()
    print("up", flush=True)
    os.wait()
master()
`)
	s := hang(t, true, "sh", "-c", "python3 "+app+"; true").waits(t, proc.Sleeping)
	var all strings.Builder
	snap := s.take(t, Final)
	for _, k := range snap.Stacks {
		all.WriteString(k.Text)
	}
	// The master's wait ends with its first worker, and then it does.
	if n := strings.Count(all.String(), "in worker"); n != 2 || len(snap.Stacks) != 3 {
		t.Errorf("%d workers of 2: %+v", n, snap.Stacks)
	}
}

func TestTakeNeverSignalsWhatIsNotPrepared(t *testing.T) {
	app := write(t, "app.py", "import time\nprint('up', flush=True)\ntime.sleep(1000)\n")
	for _, argv := range [][]string{
		{"env", "-u", "PYTHONFAULTHANDLER", "python3", app},
		{"sh", "-c", "echo up; sleep 1000; true"},
		{"perl", "-e", "$| = 1; print qq(up\n); sleep 1000"},
	} {
		t.Run(argv[0], func(t *testing.T) {
			s := hang(t, false, argv...)
			snap := s.take(t, Final)
			for _, k := range snap.Stacks {
				if k.Text != "" || k.Note == "" {
					t.Errorf("asked: %+v", k)
				}
			}
			if !s.alive() {
				t.Error("it is dead")
			}
		})
	}
}

func TestHarmlessLetsThemLive(t *testing.T) {
	app := write(t, "app.py", "import time\nprint('up')\ntime.sleep(1000)\n")
	s := hang(t, true, "python3", app).waits(t, proc.Sleeping)
	if snap := s.take(t, Harmless); len(snap.Stacks) != 0 || !s.alive() {
		t.Errorf("alive %v, stacks %+v", s.alive(), snap.Stacks)
	}
}

func TestTakeNamesTheLineWhereJavaHangs(t *testing.T) {
	addr := silent(t)
	host, port, _ := net.SplitHostPort(addr)
	app := write(t, "Hang.java", `import java.net.*;
public class Hang {
    static void loadCatalogue() throws Exception {
        Socket s = new Socket("`+host+`", `+port+`);
        System.out.println("up");
        s.getInputStream().read();
    }
    public static void main(String[] a) throws Exception { loadCatalogue(); }
}
`)
	s := hang(t, true, "java", app).waits(t, proc.Answer)
	snap := s.take(t, Harmless)
	stack(t, snap, "jvm", "Full thread dump", "Hang.loadCatalogue(Hang.java:6)")
	if !strings.Contains(snap.Sentence, "from "+addr) {
		t.Errorf("the sentence is %q", snap.Sentence)
	}
	if !s.alive() {
		t.Error("the JVM did not survive")
	}
}

func TestJavaWithoutAHandlerIsNotAsked(t *testing.T) {
	app := write(t, "Hang.java", `public class Hang { public static void main(String[] a) throws Exception { System.out.println("up"); Thread.sleep(1000000); } }`)
	s := hang(t, true, "java", "-Xrs", app)
	if k := stack(t, s.take(t, Final), "jvm"); k.Text != "" || !strings.Contains(k.Note, "no handler for SIGQUIT") || !s.alive() {
		t.Errorf("alive %v, %+v", s.alive(), k)
	}
}

func TestTakeNamesTheLineWhereGoHangs(t *testing.T) {
	addr := silent(t)
	src := write(t, "main.go", `package main

import (
	"fmt"
	"net"
)

func loadCatalogue() {
	c, _ := net.Dial("tcp", "`+addr+`")
	fmt.Println("up")
	c.Read(make([]byte, 1))
}

func main() { loadCatalogue() }
`)
	exe := filepath.Join(filepath.Dir(src), "shop")
	if out, err := exec.Command("go", "build", "-ldflags=-s -w", "-o", exe, src).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	snap := hang(t, true, exe).waits(t, proc.Answer).take(t, Final)
	stack(t, snap, "go", "main.loadCatalogue", "main.go:11")
	if !strings.Contains(snap.Sentence, "waiting for an answer from "+addr) {
		t.Errorf("the sentence is %q", snap.Sentence)
	}
}

func TestTakeNamesWhatNodeWaitsFor(t *testing.T) {
	addr := silent(t)
	_, port, _ := net.SplitHostPort(addr)
	app := write(t, "app.js", "const s = require('net').connect("+port+", '127.0.0.1', () => console.log('up')); s.on('data', () => {});\n")
	s := hang(t, true, "node", app).waits(t, proc.Answer)
	snap := s.take(t, Harmless)
	stack(t, snap, "node", "tcp to "+addr, "the event loop waits")
	if !strings.Contains(snap.Sentence, "waiting for an answer from "+addr) {
		t.Errorf("the sentence is %q", snap.Sentence)
	}
	if !s.alive() {
		t.Error("Node did not survive")
	}
	for _, dir := range []string{"/dev/shm", "/tmp"} {
		if left, _ := filepath.Glob(dir + "/" + spoolPrefix + "*/*.json"); len(left) > 0 {
			t.Errorf("reports are left, with the environment in them: %v", left)
		}
	}
}

func TestTakeNamesTheLineThatBlocksNode(t *testing.T) {
	app := write(t, "app.js", "function loadCatalogue() {\n  for (;;) { Math.random(); }\n}\nif (process.argv[2]) require('child_process').fork(process.argv[1]);\nsetTimeout(() => { console.log('up'); loadCatalogue(); }, 300);\n")
	// Two of them want the same port for their inspectors.
	s := hang(t, true, "node", app, "twice").waits(t, proc.Running)
	until(t, "both to be up", func() bool { return strings.Count(string(s.output.Since(0)), "up\n") == 2 })
	snap := s.take(t, Final)
	if len(snap.Stacks) != 2 {
		t.Errorf("%d stacks of 2 processes", len(snap.Stacks))
	}
	for _, k := range snap.Stacks {
		if !strings.Contains(k.Text, "at loadCatalogue (") || !strings.Contains(k.Text, "app.js:2:") || k.How != "inspector" {
			t.Errorf("got %+v", k)
		}
	}
}

func TestNodeThatIsBlockedOutsideOfJavaScript(t *testing.T) {
	app := write(t, "app.js", "console.log('up'); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);\n")
	s := hang(t, true, "node", app).waits(t, proc.Mutex)
	if k := stack(t, s.take(t, Final), "node"); k.Text == "" && !strings.Contains(k.Note, "blocked outside of JavaScript") {
		t.Errorf("got %+v", k)
	}
}

func TestTakeEndsWithItsContext(t *testing.T) {
	app := write(t, "app.py", "import time\nprint('up')\ntime.sleep(1000)\n")
	s := hang(t, true, "python3", app)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	snap := Take(ctx, s.pid, Options{Stacks: Final, Output: s.output})
	if k := stack(t, snap, "python"); !strings.Contains(k.Note, "no time left") || !s.alive() || len(snap.Processes) != 1 {
		t.Errorf("got %+v", snap)
	}
}

func TestTakeOfAProcessThatIsGone(t *testing.T) {
	cmd := exec.Command("true")
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	snap := Take(t.Context(), cmd.Process.Pid, Options{Stacks: Final})
	if snap.Sentence != "no process of the service is left" || snap.Text() == "" {
		t.Errorf("got %+v", snap)
	}
}
