package probe

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestExec(t *testing.T) {
	script := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(script, []byte("exit 0\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	broken := filepath.Join(t.TempDir(), "broken")
	if err := os.WriteFile(broken, []byte("#!/no/such/interpreter\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWEIGH_TEST", "inherited")
	for _, c := range []struct{ target, want, kind, reason, status string }{
		{"exec:true", "", KindOK, "exit 0", "0"},
		{"exec:/bin/sh -c 'exit 0'", "", KindOK, "exit 0", "0"},
		{"exec:sh -c 'echo first; echo no database >&2; exit 3'", "", KindStatus, "exit 3: no database", "3"},
		{"exec:sh -c 'exit 3'", "status == 3", KindOK, "exit 3", "3"},
		{"exec:sh -c 'echo $AWEIGH_TEST'", `body == "inherited"`, KindOK, "exit 0: inherited", "0"},
		{"exec:echo $AWEIGH_TEST", `body == "$AWEIGH_TEST"`, KindOK, "", "0"},
		{`exec:echo '{"role":"master"}'`, `body.role == "slave"`, KindExpect, `got body.role "master"`, "0"},
		{"exec:sh -c 'kill -9 $$'", "", KindStatus, "killed by signal 9 (killed)", "137"},
		{"exec:sh -c 'kill -9 $$'", "status == 137", KindOK, "", "137"},
		{"exec:cat", "", KindOK, "exit 0", "0"}, // its input is empty, not ours
		{"exec:sh -c 'yes | head -c 100000; echo end; exit 1'", "", KindStatus, "exit 1: end", "1"},
		{"exec:sh -c 'yes | head -c 100000'", "len(body) > 0", KindExpect, "longer than the 4096 bytes", "0"},
		{"exec:no-such-command -x", "", KindExec, "no-such-command is not in PATH", ""},
		{"exec:/no/such/command", "", KindExec, "/no/such/command does not exist", ""},
		{"exec:" + script, "", KindExec, "is not executable: chmod +x it", ""},
		{"exec:" + broken, "", KindExec, "its interpreter or its dynamic loader is missing", ""},
		{"exec:/tmp", "", KindExec, "/tmp is a directory", ""},
	} {
		r := ask(t, c.target, long, c.want)
		wants(t, r, c.kind, c.reason)
		if r.Status != c.status {
			t.Errorf("%s: the status is %q", c.target, r.Status)
		}
	}
}

// A shell that waits for its child used to leave the child behind when only the
// shell was killed, one more with each probe.
func TestExecKillsTheWholeGroupAtTheDeadline(t *testing.T) {
	pidFile := filepath.Join(t.TempDir(), "pid")
	r := ask(t, "exec:sh -c 'sleep 60 & echo $! > "+pidFile+"; echo waiting; wait'", 200*time.Millisecond, "")
	wants(t, r, KindTimeout, "the command had not ended after 2")
	wants(t, r, KindTimeout, ": waiting")
	text, err := os.ReadFile(pidFile)
	if err != nil {
		t.Fatal(err)
	}
	pid, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	goneOrDead(t, pid)
}

// What a command leaves behind keeps its output open: the probe neither waits
// for it nor lets it live.
func TestExecDoesNotWaitForWhatHoldsItsOutput(t *testing.T) {
	began := time.Now()
	r := ask(t, "exec:sh -c 'sleep 60 & echo $!'", long, "")
	wants(t, r, KindOK, "exit 0: ")
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
	pid, _ := strconv.Atoi(strings.TrimPrefix(r.Reason, "exit 0: "))
	goneOrDead(t, pid)
}

func TestExecWithAnotherStarter(t *testing.T) {
	var started []string
	p := Prober{Start: func(argv []string, attr *os.ProcAttr) (int, func() (syscall.WaitStatus, error), error) {
		started = argv
		if !attr.Sys.Setpgid || len(attr.Files) != 3 {
			t.Errorf("%+v", attr)
		}
		return startProcess(argv, attr)
	}}
	wants(t, askBy(t, p, "exec:sh -c 'exit 4'", long, ""), KindStatus, "exit 4")
	if len(started) != 3 || !filepath.IsAbs(started[0]) || started[2] != "exit 4" {
		t.Errorf("started %q", started)
	}
}

func goneOrDead(t *testing.T, pid int) {
	t.Helper()
	if pid <= 1 {
		t.Fatalf("no pid: %d", pid)
	}
	for range 400 {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if err != nil || strings.Contains(string(stat), ") Z") {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Errorf("process %d still lives", pid)
}
