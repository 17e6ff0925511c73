// Package watching_test runs `aweigh watch` as its users do: the program as it
// is built, a container engine of its own (Debian's dockerd, which the tests
// may kill), a mail server that nobody here wrote (aiosmtpd), and containers
// that live and die in the ways that containers do.
//
// Nothing is asserted about how the watcher does it: only about the mails that
// come, and what `aweigh incidents`, `starts`, `show` and `logs` say.
//
// What is not there is skipped by name, unless AWEIGH_TEST_ALL is set. AWEIGH_LONG
// makes the storm ten times as long.
package watching_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/aweigh/aweigh/test/dockerd"
)

// patience is for a machine that has more to do.
const patience = 60 * time.Second

// bin is where the programs under test are: aweigh, and aweigh-init, which is
// static.
var bin string

func TestMain(m *testing.M) {
	flag.Parse()
	// Much of the time is spent waiting for containers, but each costs the engine
	// half a second of a processor.
	flag.Set("test.parallel", "5")
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dockerd.Sweep(enginePrefix) // what a killed run left
	dir, err := os.MkdirTemp("", prefix+"bin-")
	if err != nil {
		return complain(err)
	}
	defer os.RemoveAll(dir)
	bin = dir
	if err := build("aweigh-init"); err != nil {
		return complain(err)
	}
	if err := build("aweigh", raced...); err != nil {
		return complain(err)
	}
	defer closeEngines()
	defer post.close()
	code := m.Run()
	if err := closeShared(); err != nil {
		return complain(err)
	}
	return code
}

func build(name string, flags ...string) error {
	args := append([]string{"build", "-trimpath", "-o", filepath.Join(bin, name)}, flags...)
	cmd := exec.Command("go", append(args, "github.com/aweigh/aweigh/cmd/"+name)...)
	cgo := "CGO_ENABLED=0"
	if len(flags) > 0 {
		cgo = "CGO_ENABLED=1"
	}
	cmd.Env = append(os.Environ(), cgo)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build %s: %w\n%s", name, err, out)
	}
	return nil
}

func complain(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// missing skips a test by name, or fails it where everything must be there.
func missing(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("AWEIGH_TEST_ALL") != "" {
		t.Fatal(why + " (AWEIGH_TEST_ALL is set)")
	}
	t.Skip(why)
}

// eventually waits until something holds that nobody tells us of. what says what
// was waited for.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	if !within(patience, holds) {
		t.Fatalf("not within %s: %s", patience, what)
	}
}

func within(limit time.Duration, holds func() bool) bool {
	const pause = 100 * time.Millisecond
	for deadline := time.Now().Add(limit); !holds(); {
		if time.Now().After(deadline) {
			return false
		}
		time.Sleep(pause)
	}
	return true
}
