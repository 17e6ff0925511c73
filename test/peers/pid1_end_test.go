package peers_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aweigh/aweigh"
)

// outlivesNobody has a process in a session of its own, deaf to SIGTERM and
// with the standard output open, whose parent is gone.
func outlivesNobody(t *testing.T) {
	c := shell(`trap "" TERM; setsid sleep 3600 & exit 3`).run(t)
	began := time.Now()
	if code := c.wait(); code != 3 {
		t.Errorf("exit status %d, want 3", code)
	}
	if took := time.Since(began); took > patience/2 {
		t.Errorf("it took %s to end", took)
	}
	if k := c.outlived("sh"); k.Verdict != aweigh.Crashed || k.Exit == nil || k.Exit.Code != 3 {
		t.Errorf("the record says verdict %s, exit %+v, want crashed and 3", k.Verdict, k.Exit)
	}
}

// countsCrashLoop lets Docker restart a service that fails each time.
func countsCrashLoop(t *testing.T) {
	b := shell(`echo attempt; exit 7`)
	b.options = []string{"--restart", "on-failure:3"}
	c := b.run(t)
	c.event("start.begin")
	c.becomes("{{.State.Status}} {{.RestartCount}} {{.State.ExitCode}}", "exited 3 7")
	var rows []int
	for line := range strings.Lines(string(ask(t, c.records, "starts", "--json"))) {
		var s aweigh.Start
		if err := json.Unmarshal([]byte(line), &s); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		rows = append(rows, s.InARow)
	}
	if got := fmt.Sprint(rows); got != "[1 2 3 4]" && got != "[4 3 2 1]" {
		t.Errorf("in_a_row of the starts is %s, want 1 to 4", got)
	}
	c.logged()
	if said := c.stdout.String(); said != strings.Repeat("attempt\n", 4) {
		t.Errorf("the log should have four attempts: %q", said)
	}
	rowOf := c.lines("start.failed")
	if last := rowOf[len(rowOf)-1]; last["in_a_row"] != "4" || !found(`failure 4 in a row; before: 3 × exit 7`, last["msg"]) {
		t.Errorf("the last line should tell the row: %v", last)
	}
}

// refusesTakenPort has two containers in one network namespace, as the
// containers of a pod are.
func refusesTakenPort(t *testing.T) {
	first := server().run(t)
	first.event("start.ready")
	b := server()
	b.network = "container:" + first.name
	second := b.run(t)
	if code := second.wait(); code != 98 {
		t.Errorf("exit status %d, want 98", code)
	}
	line := second.event("start.failed")
	if line["verdict"] != string(aweigh.Refused) || !found(`port 8080 is already in use by .+: stop it, or set --port`, line["msg"]) {
		t.Errorf("start.failed should say that the port is taken: %v", line)
	}
	if k := second.outlived("goserver"); k.Verdict != aweigh.Refused || k.Exit != nil {
		t.Errorf("the record says verdict %s, exit %+v, want refused and none", k.Verdict, k.Exit)
	}
	if code := first.stop(); code != 143 {
		t.Errorf("the first one ends with %d, want 143", code)
	}
}

func endsWithItsStatus(t *testing.T) {
	for _, end := range []struct {
		script string
		code   int
		says   string
	}{
		{"exit 0", 0, "exited with status 0"},
		{"exit 1", 1, "exited with status 1"},
		{"exit 125", 125, "exited with status 125"},
		{"exit 255", 255, "exited with status 255"},
		{"nothing", 127, "command or shared library not found"},
		{"kill -9 $$", 137, "SIGKILL"},
		{"kill -11 $$", 139, "SIGSEGV: a fault in native code"},
	} {
		t.Run(end.script, func(t *testing.T) {
			t.Parallel()
			c := shell(end.script).run(t)
			if code := c.wait(); code != end.code {
				t.Errorf("exit status %d, want %d", code, end.code)
			}
			if line := c.event("start.failed"); line["exit"] != fmt.Sprint(end.code) || !found(end.says, line["msg"]) {
				t.Errorf("start.failed should tell %d and match %q: %v", end.code, end.says, line)
			}
		})
	}
	t.Run("no such command", func(t *testing.T) {
		t.Parallel()
		c := box{image: scratch, command: []string{"/nothing"}}.run(t)
		if code := c.wait(); code != 127 {
			t.Errorf("exit status %d, want 127", code)
		}
	})
	t.Run("not executable", func(t *testing.T) {
		t.Parallel()
		c := box{image: alpine, command: []string{"/etc/hostname"}}.run(t)
		if code := c.wait(); code != 126 {
			t.Errorf("exit status %d, want 126", code)
		}
	})
}

// endsTheDeaf is about a grace that leaves time for the last word: the
// supervisor's is shorter than docker stop's.
func endsTheDeaf(t *testing.T) {
	c := shell(`trap "" TERM; exec httpd -f -p 8080`, "AWEIGH_PORT=8080", "AWEIGH_STOP_GRACE=1s", "AWEIGH_SERVICE=deaf").run(t)
	c.event("start.ready")
	if code := c.stop(); code != 137 {
		t.Errorf("exit status %d, want 137", code)
	}
	exit := c.event("run.exit")
	if exit["end"] != "stopped" || exit["exit"] != "137" || !found("sh did not end within 1s and was killed", exit["msg"]) {
		t.Errorf("run.exit should tell that it was killed: %v", exit)
	}
	c.outlived("deaf").lived(t, aweigh.Exit{Code: 137, Signal: "SIGKILL"})
}
