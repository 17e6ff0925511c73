package watching_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/aweigh/aweigh"
)

// logged is what `docker logs` tells of a container: both outputs.
func (e *engine) logged(t *testing.T, name string) string {
	t.Helper()
	var b bytes.Buffer
	cmd := exec.Command("docker", "--host", e.Host(), "logs", name)
	cmd.Stdout, cmd.Stderr = &b, &b
	if err := cmd.Run(); err != nil {
		t.Fatalf("docker logs %s: %v", name, err)
	}
	return b.String()
}

// The record is what the engine has, byte for byte, and outlives the container.
func TestRecordIsExactAndOutlivesTheContainer(t *testing.T) {
	e, w := together(t)
	for _, c := range []struct {
		name, script string
		options      []string
	}{
		{"raw", `printf 'a\000b\001\033[31mred\033[0m\r\n\tüñí€\n\n'; head -c 40000 /dev/zero | tr '\000' x; echo; seq 1 20000; printf 'no newline at the end'`, nil},
		{"talkative", `for n in 1 2 3 4 5; do echo out $n; echo err $n >&2; done`, nil},
		{"terminal", `echo 'at a terminal'; printf '\033[1mbold\033[0m'; echo error >&2`, []string{"--tty"}},
	} {
		e.run(t, c.name, c.script, c.options...)
		s := w.started(t, c.name, 1, "a job that ended well", isReady)
		want := e.logged(t, c.name)
		e.docker(t, "rm", c.name)
		var got string
		if !within(patience, func() bool { got = w.must(t, "logs", s.ID); return len(got) >= len(want) }) || !same(c.name, got, want) {
			t.Errorf("the record of %s has %d bytes, the engine %d:\n%.300q\n%.300q", c.name, len(got), len(want), got, want)
		}
		if out := w.must(t, "show", s.ID); strings.ContainsAny(out, "\x1b\x00\r") {
			t.Errorf("show prints control characters: %q", out)
		}
		var shown struct {
			aweigh.Start
			LastLines []string `json:"last_lines"`
		}
		if err := json.Unmarshal([]byte(w.must(t, "show", "--json", s.ID)), &shown); err != nil || shown.ID != s.ID || len(shown.LastLines) == 0 {
			t.Errorf("show --json: %v: %+v", err, shown)
		}
	}
}

// same compares outputs; those on two streams have no order between them.
func same(name, got, want string) bool {
	if name != "talkative" {
		return got == want
	}
	lines := func(text, prefix string) (all []string) {
		for line := range strings.Lines(text) {
			if strings.HasPrefix(line, prefix) {
				all = append(all, line)
			}
		}
		return all
	}
	return len(got) == len(want) && fmt.Sprint(lines(got, "out")) == fmt.Sprint(lines(want, "out")) &&
		fmt.Sprint(lines(got, "err")) == fmt.Sprint(lines(want, "err"))
}

// It logs 100 MB as fast as it can: what is kept is bounded, on the disk and in
// memory, and its first and last lines are there.
func TestContainerThatLogsMuch(t *testing.T) {
	e, w := together(t)
	line := strings.Repeat("x", 1000)
	e.run(t, "flood", "echo the first line; yes "+line+" | head -c 100000000; echo; echo the last line; exit 9",
		"--log-opt", "max-size=20m", "--log-opt", "max-file=2")
	most := 0
	eventually(t, "flood ends", func() bool {
		most = max(most, w.memory())
		s := w.starts(t, "flood")
		return len(s) == 1 && s[0].Verdict == aweigh.Crashed
	})
	w.mail(t, "flood", "exited with 9")
	size := sizeOf(filepath.Join(w.state, "flood"))
	t.Logf("100 MB logged: the record has %d MB, the watcher at most %d MB of memory", size>>20, most>>20)
	if size > 80<<20 {
		t.Errorf("the record has %d MB", size>>20)
	}
	if limit := 150 << 20; raced == nil && most > limit {
		t.Errorf("the watcher took %d MB of memory", most>>20)
	}
	var out string
	if !within(patience, func() bool {
		out = w.must(t, "logs", w.starts(t, "flood")[0].ID)
		return strings.HasPrefix(out, "the first line\n")
	}) {
		t.Errorf("the record begins with %.60q", out)
	}
	// Who reads 100 MB more slowly than they are written has not come to the last
	// line when the message must go, and may lose it: the engine keeps 40 MB.
	t.Logf("the record ends with %q", out[max(0, len(out)-20):])
}

// memory is the resident size of the watcher, in bytes.
func (w *watcher) memory() int {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", w.cmd.Process.Pid))
	_, rest, _ := strings.Cut(string(b), "VmRSS:")
	kb, _ := strconv.Atoi(strings.Fields(rest + " 0")[0])
	return kb << 10
}

func sizeOf(dir string) (bytes int64) {
	filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if info, err := d.Info(); err == nil {
				bytes += info.Sys().(*syscall.Stat_t).Blocks * 512
			}
		}
		return nil
	})
	return bytes
}

// aweigh-init inside a container is nearer, and its word counts.
func TestWordOfAweighInitInside(t *testing.T) {
	e, w := together(t)
	inside := func(name, script string, options ...string) {
		t.Helper()
		e.removeLater(t, name)
		args := append([]string{"run", "--detach", "--name", name, "--entrypoint", "/aweigh-init", "--env", "AWEIGH_SERVICE=" + name, "--env", "AWEIGH_PORT=8080"}, options...)
		e.docker(t, append(args, image, "--", "/bin/sh", "-c", script)...)
	}
	inside("inner", "exec httpd -f -p 8080 -h /tmp", "--restart", "always")
	s := w.started(t, "inner", 1, "ready", isReady)
	if s.Probe == nil || !strings.Contains(s.Probe.Target, "8080") {
		t.Errorf("proven by %+v", s.Probe)
	}
	inside("inner-deaf", "echo waiting for Godot; exec sleep 1000", "--env", "AWEIGH_STARTUP_TIMEOUT=2s")
	l := w.mail(t, "inner-deaf", "startup-failed", "waiting for Godot")
	if !strings.Contains(l.plain, "not ready within 2s") {
		t.Errorf("the mail does not say what aweigh-init said:\n%s", l.plain)
	}
	w.incident(t, "inner-deaf", "is a failed start", func(n aweigh.Incident) bool { return n.Kind == aweigh.StartupFailed })
	w.started(t, "inner-deaf", 1, "timed out", func(s aweigh.Start) bool { return s.Verdict == aweigh.TimedOut })
}

// What a container says must not be believed by a terminal, a mail program or a
// shell.
func TestHostileContainer(t *testing.T) {
	e, w := together(t)
	mark := filepath.Join(tempDir(t), "executed")
	evil := "$(touch " + mark + ") `touch " + mark + "` ; touch " + mark + " | <script>alert(1)</script> \x1b]0;owned\x07\x1b[31m &amp; \r\nBcc: victim@example.com\r\n\r\n."
	e.removeLater(t, "attack")
	args := []string{"run", "--detach", "--name", "attack", "--restart", "no", "--env", "EVIL=" + evil,
		"--label", "aweigh.probe=exec:touch " + mark, "--label", "aweigh.startup-timeout=" + evil, "--label", "aweigh.expect=" + evil, "--label", "evil=" + evil,
		image, "/bin/sh", "-c", `printf '%s\n' "$EVIL"; printf '%s' "$EVIL" >&2; exit 1`}
	e.docker(t, args...)
	l := w.mail(t, "attack", "startup-failed", "exited with 1", "alert(1)")
	if l.to != "attack@example.com" || l.header.Get("Bcc") != "" || strings.ContainsAny(l.subject, "\r\n\x1b") || !strings.Contains(l.subject, "attack") {
		t.Errorf("to %s, headers %v", l.to, l.header)
	}
	if strings.Contains(l.html, "<script>") || strings.ContainsAny(l.plain+l.html, "\x1b\x07") {
		t.Errorf("text %q\nHTML %q", l.plain, l.html)
	}
	n := w.incident(t, "attack", "is a failed start", func(n aweigh.Incident) bool { return n.Kind == aweigh.StartupFailed })
	for _, args := range [][]string{{"show", "attack"}, {"incidents", "show", n.ID}, {"incidents", "--all"}, {"starts"}, {"notify", "letters"}} {
		if out, _, code := w.aweigh(args...); code != 0 || strings.ContainsAny(out, "\x1b\x07\r") {
			t.Errorf("aweigh %s: exit %d, %q", strings.Join(args, " "), code, out)
		}
	}
	if out, _, _ := w.aweigh("status"); strings.ContainsAny(out, "\x1b\x07\r") {
		t.Errorf("aweigh status: %q", out)
	}
	if strings.ContainsAny(w.said.String(), "\x1b\x07\r") {
		t.Error("the watcher's own log has control characters")
	}
	if _, err := os.Stat(mark); err == nil {
		t.Error("a text from a container was executed")
	}
}
