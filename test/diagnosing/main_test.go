// Package diagnosing_test asks `aweigh diagnose` about containers that fail in
// known ways, as a person would: the program as it is built, this machine's
// Docker Engine, a server that does what it is told, and the first cause's name.
//
// What is not there is skipped by name, unless AWEIGH_TEST_ALL is set.
package diagnosing_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
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

	"github.com/aweigh/aweigh/internal/diagnose"
)

// patience is for a machine that has more to do.
const patience = 90 * time.Second

// bin is where the program and the server are.
var bin string

// owner labels what these tests make. Its value is the pid of the process that
// will remove it, or that did not come to.
const owner = "aweigh.diagnosing.pid"

var image = fmt.Sprintf("aweigh-diagnosing:%d", os.Getpid())

func TestMain(m *testing.M) {
	flag.Parse()
	// Each container costs the engine half a second of a processor.
	flag.Set("test.parallel", "4")
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "awd-")
	if err != nil {
		return complain(err)
	}
	defer os.RemoveAll(dir)
	bin = dir
	for _, path := range []string{"./service", "github.com/aweigh/aweigh/cmd/aweigh"} {
		cmd := exec.Command("go", "build", "-trimpath", "-o", bin+"/", path)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return complain(fmt.Errorf("go build %s: %w\n%s", path, err, out))
		}
	}
	defer sweep(func(pid int) bool { return pid == os.Getpid() })
	return m.Run()
}

func complain(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}

func docker(args ...string) (string, error) {
	var stdout, stderr bytes.Buffer
	cmd := exec.Command("docker", args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return strings.TrimSpace(stdout.String()), fmt.Errorf("docker %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return strings.TrimSpace(stdout.String()), nil
}

// sweep removes the containers and images of the processes that gone chooses.
func sweep(gone func(pid int) bool) {
	for _, kind := range []struct{ list, remove []string }{
		{[]string{"ps", "--all", "--format", "{{.ID}} {{.Label \"" + owner + "\"}}", "--filter", "label=" + owner}, []string{"rm", "--force", "--volumes"}},
		{[]string{"images", "--format", "{{.Repository}}:{{.Tag}} {{.Tag}}", "--filter", "label=" + owner}, []string{"rmi", "--force"}},
	} {
		listed, _ := docker(kind.list...)
		for line := range strings.Lines(listed) {
			name, label, _ := strings.Cut(strings.TrimSpace(line), " ")
			if pid, err := strconv.Atoi(label); err == nil && gone(pid) {
				docker(append(kind.remove, name)...)
			}
		}
	}
}

// ready makes the image, once. It is what keeps these tests from running, ""
// for nothing.
var ready = sync.OnceValue(func() string {
	if _, err := docker("version"); err != nil {
		return fmt.Sprintf("no container can be run here: test/setup installs and starts Docker (%v)", err)
	}
	if os.Getuid() != 0 {
		return "only root can look into a container"
	}
	sweep(func(pid int) bool { return syscall.Kill(pid, 0) == syscall.ESRCH })
	tar := exec.Command("tar", "-C", bin, "-c", "service")
	load := exec.Command("docker", "import", "--change", fmt.Sprintf("LABEL %s=%d", owner, os.Getpid()), "-", image)
	load.Stdin, _ = tar.StdoutPipe()
	if err := tar.Start(); err != nil {
		return err.Error()
	}
	if out, err := load.CombinedOutput(); err != nil {
		return fmt.Sprintf("docker import: %v: %s", err, out)
	}
	tar.Wait()
	return ""
})

func needEngine(t *testing.T) {
	t.Helper()
	if why := ready(); why != "" {
		if os.Getenv("AWEIGH_TEST_ALL") != "" {
			t.Fatal(why + " (AWEIGH_TEST_ALL is set)")
		}
		t.Skip(why)
	}
}

// service is a container of the server, removed with the test.
type service struct{ name string }

// start runs the server with its arguments; options are docker's. An engine that
// refuses to start it is no error of the test.
func start(t *testing.T, options []string, args ...string) service {
	t.Helper()
	needEngine(t)
	name := fmt.Sprintf("awd-%d-%s", os.Getpid(), strings.ToLower(filepath.Base(t.Name())))
	return startNamed(t, name, options, args...)
}

func startNamed(t *testing.T, name string, options []string, args ...string) service {
	t.Helper()
	docker("rm", "--force", name)
	t.Cleanup(func() { docker("rm", "--force", "--volumes", name) })
	all := append([]string{"run", "--detach", "--name", name, "--label", fmt.Sprintf("%s=%d", owner, os.Getpid())}, options...)
	if out, err := docker(append(append(all, image, "/service"), args...)...); err != nil {
		t.Logf("%v %s", err, out)
	}
	return service{name}
}

// ended waits until the container has.
func (s service) ended(t *testing.T) service {
	t.Helper()
	s.until(t, "has ended", func() bool {
		out, err := docker("inspect", "--format", "{{.State.Status}}", s.name)
		return err == nil && (out == "exited" || out == "created")
	})
	return s
}

// printed waits until its output has a text.
func (s service) printed(t *testing.T, text string) service {
	t.Helper()
	s.until(t, "has printed "+text, func() bool {
		out, err := exec.Command("docker", "logs", s.name).CombinedOutput()
		return err == nil && strings.Contains(string(out), text)
	})
	return s
}

func (s service) until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s %s", patience, s.name, what)
		}
	}
}

// diagnosis is the answer of `aweigh diagnose --json`.
type diagnosis struct {
	Causes   []diagnose.Cause
	Changed  []string
	NotKnown []string `json:"not_known"`
	code     int
	text     string
}

func (d diagnosis) String() string { return fmt.Sprintf("exit %d\n%s", d.code, d.text) }

// runAweigh runs the program.
func runAweigh(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(t.Context(), filepath.Join(bin, "aweigh"), args...)
	cmd.Dir = bin
	cmd.Stdout, cmd.Stderr = &out, &errs
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// diagnosed asks about a service by its name.
func diagnosed(t *testing.T, name string, flags ...string) diagnosis {
	t.Helper()
	if len(flags) == 0 {
		flags = []string{"--state", t.TempDir()}
	}
	out, errs, code := runAweigh(t, append([]string{"diagnose", "--json", name}, flags...)...)
	d := diagnosis{code: code, text: out + errs}
	if err := json.Unmarshal([]byte(out), &d); err != nil || len(d.Causes) == 0 {
		t.Fatalf("no answer: %v\n%s", err, d)
	}
	return d
}

// is fails the test unless the first cause is the one.
func (d diagnosis) is(t *testing.T, cause string) diagnosis {
	t.Helper()
	if d.Causes[0].ID != cause {
		t.Errorf("diagnosed as %s, want %s: %s", d.Causes[0].ID, cause, d)
	}
	if cause != "no-failure" && d.code != 1 || cause == "no-failure" && d.code != 0 {
		t.Errorf("%s: exit status %d", cause, d.code)
	}
	return d
}

// says fails the test unless a line of the first cause's evidence has the text.
func (d diagnosis) says(t *testing.T, text string) diagnosis {
	t.Helper()
	for _, l := range d.Causes[0].Evidence {
		if strings.Contains(l.Text, text) {
			return d
		}
	}
	t.Errorf("no line of evidence says %q: %s", text, d)
	return d
}
