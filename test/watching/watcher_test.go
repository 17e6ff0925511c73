package watching_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aweigh/aweigh"
)

// watcher is an `aweigh watch`, which can be killed and started again. Its mails
// go to a person of its name.
type watcher struct {
	name   string
	engine *engine
	state  string
	post   *postOffice
	// own says that each service has a person, and with that a route, of its
	// own: what is told of one must not wait for the flood of another.
	own  bool
	args []string
	cmd  *exec.Cmd
	said *said
}

// said is what a process prints.
type said struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *said) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(b)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// watch starts a watcher of an engine, nil for none, and ends it with the test.
func watch(t *testing.T, name string, e *engine, args ...string) *watcher {
	t.Helper()
	return watchWith(t, name, e, &post, tempDir(t), args...)
}

func watchWith(t *testing.T, name string, e *engine, p *postOffice, state string, args ...string) *watcher {
	t.Helper()
	w := newWatcher(t, name, e, p, state, args...)
	w.start(t)
	t.Cleanup(func() {
		w.kill(syscall.SIGTERM)
		if why := w.fault(); why != "" {
			t.Error(why)
		} else if t.Failed() {
			t.Logf("the watcher %s said:\n%s", name, tailOf(w.said.String(), 200))
		}
	})
	return w
}

func newWatcher(t *testing.T, name string, e *engine, p *postOffice, state string, args ...string) *watcher {
	t.Helper()
	p.open(t)
	host := "none"
	if e != nil {
		host = e.Host()
	}
	w := &watcher{name: name, engine: e, state: state, post: p, said: &said{}}
	w.args = append([]string{"watch", "--state", state, "--docker", host, "--listen", "none", "--notify", p.route(name)}, args...)
	return w
}

// fault is what no watcher may say.
func (w *watcher) fault() string {
	if text := w.said.String(); strings.Contains(text, "DATA RACE") || strings.Contains("\n"+text, "\npanic: ") || strings.Contains(text, "\nfatal error: ") {
		return "the watcher " + w.name + " said:\n" + text
	}
	return ""
}

// shared is the watcher of all tests that end neither it nor its engine.
var shared struct {
	sync.Mutex
	w *watcher
}

// actors are the services of the tests that share a watcher.
var actors = strings.Fields(`deaf early shop till restful stubborn graceful mutable renamed job retried-job removed-job hasty
	fickle looping content greedy first second hollow sickly inward flash-0 flash-1 flash-2 flash-3 raw talkative terminal flood inner inner-deaf attack`)

// together is the shared engine and its watcher, for tests that run at the same
// time and look at services of their own only.
func together(t *testing.T) (*engine, *watcher) {
	t.Helper()
	t.Parallel()
	e := sharedEngine(t)
	shared.Lock()
	defer shared.Unlock()
	if shared.w == nil {
		state, err := os.MkdirTemp("/tmp", prefix)
		if err != nil {
			t.Fatal(err)
		}
		w := newWatcher(t, "together", e, &post, state)
		w.args, w.own = slices.DeleteFunc(w.args, func(arg string) bool { return arg == "--notify" || strings.HasPrefix(arg, "smtp:") }), true
		var routes strings.Builder
		for _, name := range actors {
			fmt.Fprintf(&routes, "  - {name: %s, services: [%s], to: %q}\n", name, name, post.route(name))
		}
		if err := os.WriteFile(filepath.Join(state, "aweigh.yaml"), []byte("routes:\n"+routes.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		w.start(t)
		shared.w = w
	}
	w := shared.w
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the watcher said at last:\n%s", tailOf(w.said.String(), 60))
		}
	})
	return e, w
}

// closeShared ends the shared watcher, and tells what was wrong with it.
func closeShared() error {
	shared.Lock()
	defer shared.Unlock()
	if shared.w == nil {
		return nil
	}
	defer os.RemoveAll(shared.w.state)
	if code := shared.w.kill(syscall.SIGTERM); code != 0 {
		return fmt.Errorf("the watcher ended with %d:\n%s", code, tailOf(shared.w.said.String(), 100))
	}
	if why := shared.w.fault(); why != "" {
		return errors.New(why)
	}
	return nil
}

func (w *watcher) start(t *testing.T) {
	t.Helper()
	before := strings.Count(w.said.String(), "event=watch.begin")
	w.cmd = exec.Command(filepath.Join(bin, "aweigh"), w.args...)
	w.cmd.Dir = w.state // no aweigh.yaml of somebody else's
	w.cmd.Env = append(os.Environ(), "AWEIGH_HOST="+w.name)
	w.cmd.Stdout, w.cmd.Stderr = w.said, w.said
	w.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := w.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the watcher begins", func() bool {
		return strings.Count(w.said.String(), "event=watch.begin") > before
	})
}

// kill ends the watcher by a signal, and returns its exit status.
func (w *watcher) kill(signal syscall.Signal) int {
	if w.cmd == nil {
		return 0
	}
	w.cmd.Process.Signal(signal)
	timer := time.AfterFunc(patience, func() { w.cmd.Process.Signal(syscall.SIGQUIT) }) // for its stacks
	w.cmd.Wait()
	timer.Stop()
	code := w.cmd.ProcessState.ExitCode()
	w.cmd = nil
	return code
}

// aweigh runs a command of the operator's on what the watcher keeps.
func (w *watcher) aweigh(args ...string) (stdout, stderr string, code int) {
	var out, errs bytes.Buffer
	cmd := exec.Command(filepath.Join(bin, "aweigh"), args...)
	cmd.Dir = w.state
	cmd.Env = append(os.Environ(), "AWEIGH_HOST="+w.name, "AWEIGH_STATE="+w.state)
	cmd.Stdout, cmd.Stderr = &out, &errs
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		return "", err.Error(), -1
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// must is aweigh where it must succeed.
func (w *watcher) must(t *testing.T, args ...string) string {
	t.Helper()
	out, errs, code := w.aweigh(args...)
	if code != 0 {
		t.Fatalf("aweigh %s: exit %d: %s%s", strings.Join(args, " "), code, errs, out)
	}
	return out
}

// incidents are all of a service, oldest first; "" is any service.
func (w *watcher) incidents(t *testing.T, service string) []aweigh.Incident {
	t.Helper()
	var all []aweigh.Incident
	out := w.must(t, "incidents", "--state", w.state, "--all", "--json")
	if err := json.Unmarshal([]byte(out), &all); err != nil {
		t.Fatalf("aweigh incidents: %v\n%s", err, out)
	}
	all = slices.DeleteFunc(all, func(n aweigh.Incident) bool { return service != "" && n.Service != service })
	slices.Reverse(all)
	return all
}

// incident waits for the only incident of a service to be as it should.
func (w *watcher) incident(t *testing.T, service, what string, holds func(aweigh.Incident) bool) aweigh.Incident {
	t.Helper()
	var all []aweigh.Incident
	if !within(patience, func() bool {
		all = w.incidents(t, service)
		return len(all) > 1 || len(all) == 1 && holds(all[0])
	}) {
		t.Fatalf("no incident of %s that %s within %s: %s", service, what, patience, briefly(all)+w.seen(service))
	}
	if len(all) > 1 {
		t.Fatalf("%d incidents of %s, want one that %s: %s", len(all), service, what, briefly(all))
	}
	return all[0]
}

// starts are those of a service, oldest first.
func (w *watcher) starts(t *testing.T, service string) []aweigh.Start {
	t.Helper()
	out, _, code := w.aweigh("starts", "--state", w.state, "--json", service)
	if code != 0 {
		return nil // none yet
	}
	var all []aweigh.Start
	for line := range strings.Lines(out) {
		var s aweigh.Start
		if err := json.Unmarshal([]byte(line), &s); err != nil {
			t.Fatalf("aweigh starts: %v\n%s", err, line)
		}
		all = append(all, s)
	}
	slices.Reverse(all)
	return all
}

// start waits until the nth start of a service is as it should be, the first
// being 1.
func (w *watcher) started(t *testing.T, service string, nth int, what string, holds func(aweigh.Start) bool) aweigh.Start {
	t.Helper()
	var all []aweigh.Start
	if !within(patience, func() bool {
		all = w.starts(t, service)
		return len(all) >= nth && holds(all[nth-1])
	}) {
		b, _ := json.MarshalIndent(all, "", " ")
		t.Fatalf("start %d of %s is not %s within %s:\n%s%s%s", nth, service, what, patience, b, w.seen(service), w.recorded(service))
	}
	return all[nth-1]
}

func isReady(s aweigh.Start) bool { return s.Verdict == aweigh.Ready }

func hasEnded(end aweigh.RunEnd) func(aweigh.Start) bool {
	return func(s aweigh.Start) bool { return s.Run != nil && s.Run.End == end }
}

// letters are the watcher's mails that mention a word.
func (w *watcher) letters(word string) []letter {
	if w.own {
		return w.post.letters(word, "")
	}
	return w.post.letters(w.name, word)
}

// recorded are the events of a service's records.
func (w *watcher) recorded(service string) string {
	var b strings.Builder
	files, _ := filepath.Glob(filepath.Join(w.state, service, "*", "events.jsonl"))
	for _, file := range files {
		text, _ := os.ReadFile(file)
		fmt.Fprintf(&b, "\n%s:\n%s", file, text)
	}
	return b.String()
}

// seen is what the engine told of a service's container.
func (w *watcher) seen(service string) string {
	if w.engine == nil {
		return ""
	}
	w.engine.mu.Lock()
	defer w.engine.mu.Unlock()
	var b strings.Builder
	for _, v := range w.engine.events {
		if a := v.Actor.Attributes; a["name"] == service || a["com.docker.compose.service"] == service {
			fmt.Fprintf(&b, "\n  %s %.12s %s %s", v.at().Format("15:04:05.000"), v.Actor.ID, v.Action, a["exitCode"]+a["signal"])
		}
	}
	return "\nThe engine's events:" + b.String()
}

// mail waits for a mail about a service that says something.
func (w *watcher) mail(t *testing.T, service string, what ...string) letter {
	t.Helper()
	var found letter
	if !within(patience, func() bool {
		for _, l := range w.letters(service) {
			if saysAll(l, what) {
				found = l
				return true
			}
		}
		return false
	}) {
		t.Fatalf("no mail about %s that says %q within %s; those that came: %s", service, what, patience, listed(w.letters(service))+w.seen(service))
	}
	return found
}

func saysAll(l letter, what []string) bool {
	for _, text := range what {
		if !strings.Contains(l.plain, text) {
			return false
		}
	}
	return true
}

// alarms are the mails about a service that tell of something bad.
func (w *watcher) alarms(service string) []letter {
	return slices.DeleteFunc(w.letters(service), func(l letter) bool { return l.state() == "ready" })
}

func briefly(all []aweigh.Incident) string {
	if len(all) == 0 {
		return "there is none"
	}
	var b strings.Builder
	for _, n := range all {
		state := "open"
		if n.Resolved != nil {
			state = "resolved: " + n.Resolution
		}
		b.WriteString("\n  " + strings.Join([]string{n.ID, n.Service, string(n.Kind), string(n.Severity), "×" + itoa(n.Count), n.Summary, "(" + state + ")"}, " "))
	}
	return b.String()
}

func itoa(n int) string { b, _ := json.Marshal(n); return string(b) }

func tailOf(text string, lines int) string {
	all := strings.Split(text, "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// tempDir is a directory with a short name, which sockets need.
func tempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", prefix)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}
