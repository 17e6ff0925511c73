package peers_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// found reports whether text matches pattern.
func found(pattern, text string) bool { return regexp.MustCompile(pattern).MatchString(text) }

// bytesOfAllKinds has no end of a line, neither at its end.
func bytesOfAllKinds(n int) []byte {
	b := make([]byte, n)
	chaos := rand.NewChaCha8([32]byte{})
	chaos.Read(b)
	b[n-1] = 0xff
	return b
}

// passesEveryByte prints what is neither text nor ends with a line. Docker's
// json-file driver would not keep it, its local driver does.
func passesEveryByte(t *testing.T) {
	blob := bytesOfAllKinds(300_000)
	dir := tempDir(t)
	if err := os.WriteFile(filepath.Join(dir, "blob"), blob, 0o644); err != nil {
		t.Fatal(err)
	}
	b := shell(`cat /site/blob; exit 4`)
	b.options = []string{"--volume", dir + ":/site", "--log-driver", "local"}
	c := b.run(t)
	if code := c.wait(); code != 4 {
		t.Errorf("exit status %d, want 4", code)
	}
	c.logged()
	if got := c.stdout.String(); got != string(blob) {
		t.Errorf("docker logs has %d bytes, but the service printed %d; they begin to differ at %d", len(got), len(blob), differ(got, string(blob)))
	}
	if got := c.read("output.log"); got != string(blob) {
		t.Errorf("the record has %d bytes, but the service printed %d", len(got), len(blob))
	}
}

func differ(a, b string) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

func passesInputThrough(t *testing.T) {
	b := shell(`cat; exit 6`)
	b.input = bytesOfAllKinds(300_000)
	c := b.run(t)
	if code := c.wait(); code != 6 {
		t.Errorf("exit status %d, want 6", code)
	}
	if got := c.stdout.String(); got != string(b.input) {
		t.Errorf("%d bytes came back of %d; they begin to differ at %d", len(got), len(b.input), differ(got, string(b.input)))
	}
}

func isTerminal(t *testing.T) {
	b := shell(`test -t 0 && test -t 1 && test -t 2 && tty && echo a terminal; exit 5`)
	b.options = []string{"--tty"}
	c := b.run(t)
	if code := c.wait(); code != 5 {
		t.Errorf("exit status %d, want 5", code)
	}
	out := c.stdout.String() // a terminal has one output
	if !strings.Contains(out, "/dev/pts/") || !strings.Contains(out, "a terminal\r\n") {
		t.Errorf("the service does not find a terminal: %q", out)
	}
	// Our terminal is in raw mode while the service has its own. A bare line
	// feed of ours would let the next line begin where this one ended.
	if bare := regexp.MustCompile(`[^\r]\n`).FindAllString(out, -1); bare != nil {
		t.Errorf("%d lines end without a carriage return: %q", len(bare), out)
	}
	if got := c.read("output.log"); !strings.HasSuffix(got, "a terminal\r\n") {
		t.Errorf("the record has %q", got)
	}
}

func passesSignalsOn(t *testing.T) {
	c := server().run(t)
	c.event("start.ready")
	for sig, says := range map[string]string{"HUP": "received hangup\n", "USR1": "received user defined signal 1\n"} {
		c.docker("kill", "--signal", sig, c.name)
		if _, ok := c.stdout.await(patience, func(line string) bool { return line == says }); !ok {
			t.Errorf("SIG%s does not reach the service", sig)
		}
	}
	if code := c.stop(); code != 143 {
		t.Errorf("exit status %d after docker stop, want 143", code)
	}
	c.outlived("goserver").lived(t, killedByTERM)
}
