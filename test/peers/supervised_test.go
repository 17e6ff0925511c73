package peers_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aweigh/aweigh"
)

// patience bounds every wait for something that must happen. It is generous:
// a loaded machine is no failure.
const patience = 60 * time.Second

// supervised is a running aweigh-init.
type supervised struct {
	t       *testing.T
	cmd     *exec.Cmd
	records string
	stdout  *output
	stderr  *output
	ended   chan struct{}
}

// supervise starts l under aweigh-init, which expects it on port.
func supervise(t *testing.T, s *site, l launch, port int, flags ...string) *supervised {
	t.Helper()
	args := []string{"run", "--record", s.records, "--service", s.service, "--port", strconv.Itoa(port), "--startup-timeout", "60s"}
	args = append(append(append(args, l.flags...), flags...), "--")
	r := &supervised{t: t, cmd: exec.Command(program, append(args, l.command...)...), records: s.records,
		stdout: &output{}, stderr: &output{}, ended: make(chan struct{})}
	r.cmd.Dir = s.dir
	r.cmd.Env = append([]string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=" + s.dir, "LC_ALL=C.UTF-8"}, l.env...)
	r.cmd.Stdout, r.cmd.Stderr = r.stdout, r.stderr
	r.cmd.WaitDelay = 5 * time.Second
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		r.cmd.Wait()
		r.stdout.close()
		r.stderr.close()
		close(r.ended)
	}()
	t.Cleanup(func() {
		select {
		case <-r.ended:
		default: // a test gave up in between
			for _, p := range descendants(r.cmd.Process.Pid) {
				syscall.Kill(p.pid, syscall.SIGKILL)
			}
			r.cmd.Process.Kill()
			<-r.ended
		}
		if t.Failed() {
			t.Logf("command: %s\nstandard output:\n%s\nstandard error:\n%s", strings.Join(r.cmd.Args, " "), r.stdout, r.stderr)
		}
	})
	return r
}

// event waits for the line of an event, such as event("start.ready") or
// event("start.phase", "phase", "listen").
func (r *supervised) event(name string, keys ...string) map[string]string {
	r.t.Helper()
	return r.stderr.event(r.t, name, keys...)
}

// wait waits for the end, and returns the exit status.
func (r *supervised) wait() int {
	r.t.Helper()
	select {
	case <-r.ended:
	case <-time.After(patience):
		r.t.Fatalf("still running after %s: %s", patience, strings.Join(living(r.cmd.Process.Pid), ", "))
	}
	return r.cmd.ProcessState.ExitCode()
}

// child is the supervised command itself.
func (r *supervised) child() int {
	r.t.Helper()
	for _, p := range descendants(r.cmd.Process.Pid) {
		if p.parent == r.cmd.Process.Pid {
			return p.pid
		}
	}
	r.t.Fatal("the supervisor has no child")
	return 0
}

// told is what `show --json` prints.
type told struct {
	aweigh.Start
	LastLines []string `json:"last_lines"`
	Snapshot  struct {
		Sentence string
		Stacks   []struct{ Runtime, Text, Note string }
		Notes    []string
	}
}

// stacks is all the text of all stacks.
func (k told) stacks() string {
	var b strings.Builder
	for _, s := range k.Snapshot.Stacks {
		fmt.Fprintf(&b, "%s %s\n%s\n", s.Runtime, s.Note, s.Text)
	}
	return b.String()
}

// readers asks both readers for the only start in a record directory, and
// sees to it that they agree.
func readers(t *testing.T, records, service string) told {
	t.Helper()
	var listed aweigh.Start
	list := bytes.TrimSpace(ask(t, records, "starts", "--json"))
	if err := json.Unmarshal(list, &listed); err != nil {
		t.Fatalf("starts --json should print one object, for there was one start: %v\n%s", err, list)
	}
	var shown told
	text := ask(t, records, "show", "--json", service)
	if err := json.Unmarshal(text, &shown); err != nil {
		t.Fatalf("show --json: %v\n%s", err, text)
	}
	a, _ := json.Marshal(listed)
	b, _ := json.Marshal(shown.Start)
	if !bytes.Equal(a, b) {
		t.Errorf("starts and show do not tell the same:\n%s\n%s", a, b)
	}
	if listed.Service != service {
		t.Errorf("service %q, want %q", listed.Service, service)
	}
	return shown
}

// ask asks one of the readers about a record directory.
func ask(t *testing.T, records string, args ...string) []byte {
	t.Helper()
	out, err := exec.Command(program, append(args, "--record", records)...).Output()
	if err != nil {
		var exit *exec.ExitError
		errors.As(err, &exit)
		t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, exit.Stderr)
	}
	return out
}

// told asks what the record says.
func (r *supervised) told(service string) told {
	r.t.Helper()
	return readers(r.t, r.records, service)
}

// health runs the health check as a HEALTHCHECK would.
func (r *supervised) health(s *site) (code int, said string) {
	r.t.Helper()
	cmd := exec.Command(program, "health", "--record", r.records, "--service", s.service, "--log", filepath.Join(s.records, "health.log"))
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		r.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// output collects lines, and lets a test wait for one.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{}
	done bool
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text.Write(b)
	o.wake()
	return len(b), nil
}

func (o *output) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.done = true
	o.wake()
}

func (o *output) wake() {
	if o.more != nil {
		close(o.more)
		o.more = nil
	}
}

// await waits for a line, until the deadline or the end of the output.
func (o *output) await(timeout time.Duration, found func(line string) bool) (string, bool) {
	deadline := time.After(timeout)
	for {
		o.mu.Lock()
		text, done := o.text.String(), o.done
		if o.more == nil {
			o.more = make(chan struct{})
		}
		more := o.more
		o.mu.Unlock()
		for line := range strings.Lines(text) {
			if strings.HasSuffix(line, "\n") && found(line) {
				return strings.TrimSuffix(line, "\n"), true
			}
		}
		if done {
			return "", false
		}
		select {
		case <-more:
		case <-deadline:
			return "", false
		}
	}
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// event waits for the line of an event.
func (o *output) event(t *testing.T, name string, keys ...string) map[string]string {
	t.Helper()
	line, ok := o.await(patience, matches(name, keys))
	if !ok {
		t.Fatalf("no line with event=%s %s", name, strings.Join(keys, " "))
	}
	return fields(line)
}

// matches finds the line of an event among what the service itself prints.
func matches(event string, keys []string) func(string) bool {
	return func(line string) bool {
		if !strings.Contains(line, " event="+event+" ") && !strings.HasSuffix(line, " event="+event+"\n") {
			return false
		}
		f := fields(line)
		for i := 0; i+1 < len(keys); i += 2 {
			if f[keys[i]] != keys[i+1] {
				return false
			}
		}
		return true
	}
}

// fields reads a line of log/slog's text handler.
func fields(line string) map[string]string {
	f := map[string]string{}
	for rest := strings.TrimSpace(line); rest != ""; rest = strings.TrimLeft(rest, " ") {
		key, after, ok := strings.Cut(rest, "=")
		if !ok {
			break
		}
		var value string
		if quoted, err := strconv.QuotedPrefix(after); err == nil {
			value, _ = strconv.Unquote(quoted)
			rest = after[len(quoted):]
		} else {
			value, rest, _ = strings.Cut(after, " ")
		}
		f[key] = value
	}
	return f
}

// lastLine is the last line on standard error.
func (r *supervised) lastLine() string {
	lines := strings.Split(strings.TrimRight(r.stderr.String(), "\n"), "\n")
	return lines[len(lines)-1]
}

// writeFiles puts files into a directory; a fifo is one that nobody writes to.
func writeFiles(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		if err == nil && text == fifo {
			err = syscall.Mkfifo(path, 0o644)
		} else if err == nil {
			err = os.WriteFile(path, []byte(text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
