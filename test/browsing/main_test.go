// Package browsing_test looks at the watcher's pages as people do: in a real
// Chromium without a window, of a real watcher, of containers of the real engine.
//
// Each page is looked at in light and dark, wide and as a phone has it, with and
// without JavaScript: nothing may complain in the console, stick out of the
// window, or be without a name or contrast (testdata/look.js). What moves is
// watched: a start as it comes up, an acknowledgement.
//
// What is not there is skipped by name, unless AWEIGH_TEST_ALL is set. With
// AWEIGH_PICTURES=DIR the pages are kept there as PNG.
package browsing_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// patience is for a machine that has more to do.
const patience = 120 * time.Second

// bin is where aweigh and aweigh-init are.
var bin string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "aweigh-browsing-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	bin = dir
	for name, from := range map[string]string{"aweigh": "cmd/aweigh", "aweigh-init": "cmd/aweigh-init", "orders": "test/browsing/orders"} {
		cmd := exec.Command("go", "build", "-trimpath", "-o", filepath.Join(bin, name), "github.com/aweigh/aweigh/"+from)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "go build %s: %v\n%s", name, err, out)
			return 1
		}
	}
	defer stage.close()
	return m.Run()
}

// missing skips a test by name, or fails it where everything must be there.
func missing(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("AWEIGH_TEST_ALL") != "" {
		t.Fatal(why + " (AWEIGH_TEST_ALL is set)")
	}
	t.Skip(why)
}

// eventually waits until something holds that nobody tells us of.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", patience, what)
		}
	}
}
