// Package drilling_test runs `aweigh drill` as its users do: the program as it
// is built, the container engine of this machine, a small server and Debian's
// nginx. Besides what the drills say it looks at what they leave behind, which
// must be nothing, however they end.
//
// What is not there is skipped by name, unless AWEIGH_TEST_ALL is set.
package drilling_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// patience is for a machine that has more to do.
const patience = 60 * time.Second

// bin is where the programs are: aweigh and server, both static.
var bin string

func TestMain(m *testing.M) {
	flag.Parse()
	flag.Set("test.parallel", "2") // each runs several containers at once already
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "aweigh-drilling-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	bin = dir
	for _, path := range []string{"cmd/aweigh", "test/drilling/server"} {
		cmd := exec.Command("go", "build", "-trimpath", "-o", filepath.Join(bin, filepath.Base(path)), "github.com/aweigh/aweigh/"+path)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // they run in images that have no libraries
		if out, err := cmd.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "go build %s: %v\n%s", path, err, out)
			return 1
		}
	}
	defer removeImages()
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
	const pause = 100 * time.Millisecond
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(pause) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", patience, what)
		}
	}
}

// docker runs the command line client, which must succeed.
func docker(t *testing.T, args ...string) string {
	t.Helper()
	out, err := tryDocker(args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func tryDocker(args ...string) (string, error) {
	out, err := exec.Command("docker", args...).Output()
	if err != nil {
		return "", fmt.Errorf("docker %s: %w", strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(out)), nil
}
