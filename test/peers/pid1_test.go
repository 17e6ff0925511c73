package peers_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/aweigh/aweigh"
)

// TestPID1 is about what a container's first process owes to the rest.
func TestPID1(t *testing.T) {
	duties := []struct {
		name string
		test func(t *testing.T)
	}{
		{"needs no root, no capability, nothing writable but its records", needsNothing},
		{"goes on without a place for records", goesOnWithoutRecords},
		{"goes on when the disk of the records is full", goesOnWithAFullDisk},
		{"reaps orphans", reapsOrphans},
		{"ends although a grandchild holds the output", outlivesNobody},
		{"ends a service that ignores SIGTERM", endsTheDeaf},
		{"passes signals on", passesSignalsOn},
		{"refuses a port that its network namespace has taken", refusesTakenPort},
		{"ends with the service's status", endsWithItsStatus},
		{"counts a crash loop", countsCrashLoop},
		{"is a terminal where it is given one", isTerminal},
		{"passes standard input through", passesInputThrough},
		{"passes every byte through", passesEveryByte},
		{"tells that the service ran out of memory", tellsOOM},
		{"tells that a start ran out of memory", tellsOOMOfStart},
		{"tells that a worker ran out of memory", tellsOOMOfWorker},
	}
	for _, d := range duties {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			needEngine(t)
			d.test(t)
		})
	}
}

// server is a Go server in an image without anything else.
func server(env ...string) box {
	return box{image: scratch, command: []string{"/goserver", "8080"},
		env: append([]string{"DATABASE=", "AWEIGH_PORT=8080", "AWEIGH_PROBE=/health"}, env...)}
}

// shell is a script of BusyBox's shell.
func shell(script string, env ...string) box {
	return box{image: alpine, command: []string{"sh", "-c", script}, env: env}
}

// killedByTERM is the end of a server that knows nothing of SIGTERM.
var killedByTERM = aweigh.Exit{Code: 143, Signal: "SIGTERM"}

func needsNothing(t *testing.T) {
	b := server()
	b.options = []string{"--read-only", "--cap-drop", "ALL", "--user", "65534", "--security-opt", "no-new-privileges", "--health-interval", "1s"}
	c := b.run(t)
	c.event("start.ready")
	c.becomes("{{.State.Health.Status}}", "healthy")
	if code := c.stop(); code != 143 {
		t.Errorf("exit status %d after docker stop, want 143", code)
	}
	if warnings := c.lines("warning"); len(warnings) > 0 {
		t.Errorf("warnings: %v", warnings)
	}
	c.outlived("goserver").lived(t, killedByTERM)
}

func goesOnWithoutRecords(t *testing.T) {
	for _, place := range []struct{ name, dir, says string }{
		{"none", "", "no record: there is no directory to write to"},
		{"read-only", "/proc/records", "no record: .*; give a directory that can be written with --record"},
	} {
		t.Run(place.name, func(t *testing.T) {
			t.Parallel()
			b := server("AWEIGH_RECORD=" + place.dir)
			b.options = []string{"--read-only", "--user", "65534", "--tmpfs", "/var/lib/aweigh:ro", "--health-interval", "1s"}
			b.bare = true
			c := b.run(t)
			c.event("start.ready")
			c.becomes("{{.State.Health.Status}}", "healthy")
			if code := c.stop(); code != 143 {
				t.Errorf("exit status %d after docker stop, want 143", code)
			}
			if exit := c.event("run.exit"); exit["end"] != "stopped" {
				t.Errorf("run.exit says end=%s, want stopped", exit["end"])
			}
			if w := c.lines("warning"); len(w) != 1 || !found(place.says, w[0]["msg"]) {
				t.Errorf("there should be one warning, and it should match %q: %v", place.says, w)
			}
		})
	}
}

// goesOnWithAFullDisk has a volume of 128 KiB for twice as much output.
func goesOnWithAFullDisk(t *testing.T) {
	c := shell(`seq 40000; exec httpd -f -p 8080`, "AWEIGH_PORT=8080", "AWEIGH_SERVICE=talker").prepare(t)
	if err := syscall.Mount("tmpfs", c.records, "tmpfs", 0, "size=128k,mode=0777"); err != nil {
		t.Skipf("no small disk can be made here: mount: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(c.records, syscall.MNT_DETACH) })
	c.begin()
	c.event("start.ready")
	if code := c.stop(); code != 143 {
		t.Errorf("exit status %d after docker stop, want 143", code)
	}
	if w := c.lines("warning"); len(w) != 1 || !found("no space left on device; the service goes on", w[0]["msg"]) {
		t.Errorf("there should be one warning, of the full disk: %v", w)
	}
	c.logged()
	var all strings.Builder
	for n := range 40000 {
		fmt.Fprintln(&all, n+1)
	}
	if got := c.stdout.String(); got != all.String() {
		t.Errorf("docker logs has %d bytes, but the service printed %d; they begin to differ at %d", len(got), all.Len(), differ(got, all.String()))
	}
	c.outlived("talker").lived(t, killedByTERM)
}

// reapsOrphans has 300 processes whose parents do not wait for them. A zombie
// that is not reaped keeps its number until the container has none left.
func reapsOrphans(t *testing.T) {
	c := shell(`for i in $(seq 300); do (true &); done; exec httpd -f -p 8080`, "AWEIGH_PORT=8080").run(t)
	c.event("start.ready")
	var left []string
	if !poll(func() bool { left = c.processes(); return len(left) == 1 }) {
		t.Errorf("there should be one process below PID 1: %v", left)
	}
	if code := c.stop(); code != 143 {
		t.Errorf("exit status %d after docker stop, want 143", code)
	}
}

// processes lists what runs in the container below PID 1, zombies included.
func (c *container) processes() []string {
	c.t.Helper()
	var below []string
	init := c.inspect("{{.State.Pid}}")
	for _, p := range processes() {
		if fmt.Sprint(p.parent) == init {
			below = append(below, fmt.Sprintf("%s (state %c)", p.name, p.state))
		}
	}
	return below
}
