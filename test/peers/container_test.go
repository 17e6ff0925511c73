package peers_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aweigh/aweigh"
)

// box is a container to be: aweigh-init is its PID 1, and its records lie on a
// volume in the default place.
type box struct {
	image   string
	command []string
	env     []string
	options []string // of docker run
	network string   // "none" by default: nothing to collide with, and quicker to set up
	input   []byte   // standard input, if any
	bare    bool     // without the volume
}

// container is a box that runs, or did.
type container struct {
	t       *testing.T
	name    string
	records string // on this machine
	cmd     *exec.Cmd
	stdout  *output
	stderr  *output
	ended   chan struct{}
	removed bool
}

var boxes atomic.Int32

// prepare makes all that a container needs.
func (b box) prepare(t *testing.T) *container {
	t.Helper()
	needEngine(t)
	image := imageOf(t, b.image)
	c := &container{t: t, records: tempDir(t), stdout: &output{}, stderr: &output{}, ended: make(chan struct{})}
	os.Chmod(c.records, 0o777) // for those that run as another user
	c.name = fmt.Sprintf("aweigh-test-%d-%d", os.Getpid(), boxes.Add(1))
	if b.network == "" {
		b.network = "none"
	}
	args := []string{"run", "--name", c.name, "--label", "aweigh.test=1", "--label", owner + "=" + strconv.Itoa(os.Getpid()), "--network", b.network,
		"--env", "AWEIGH_STOP_GRACE=50s"}
	if !b.bare {
		args = append(args, "--volume", c.records+":/var/lib/aweigh")
	}
	for _, kv := range b.env {
		args = append(args, "--env", kv)
	}
	if b.input != nil {
		args = append(args, "--interactive")
	}
	c.cmd = exec.Command("docker", append(append(append(args, b.options...), image), b.command...)...)
	c.cmd.Stdin = bytes.NewReader(b.input)
	c.cmd.Stdout, c.cmd.Stderr = c.stdout, c.stderr
	return c
}

// run starts a container.
func (b box) run(t *testing.T) *container {
	t.Helper()
	c := b.prepare(t)
	c.begin()
	return c
}

func (c *container) begin() {
	c.t.Helper()
	if err := c.cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	go func() {
		c.cmd.Wait()
		c.stdout.close()
		c.stderr.close()
		close(c.ended)
	}()
	c.t.Cleanup(func() {
		if !c.removed {
			docker("rm", "--force", "--volumes", c.name)
		}
		<-c.ended
		if c.t.Failed() {
			c.t.Logf("%s\nstandard output:\n%.4000q\nstandard error:\n%s", strings.Join(c.cmd.Args, " "), c.stdout, c.stderr)
		}
	})
}

// docker runs a command that must succeed.
func (c *container) docker(args ...string) string {
	c.t.Helper()
	out, err := docker(args...)
	if err != nil {
		c.t.Fatal(err)
	}
	return out
}

// event waits for the line of an event.
func (c *container) event(name string, keys ...string) map[string]string {
	c.t.Helper()
	return c.stderr.event(c.t, name, keys...)
}

// inspect asks Docker, such as inspect("{{.State.Health.Status}}").
func (c *container) inspect(format string) string {
	c.t.Helper()
	return strings.TrimSpace(c.docker("inspect", "--format", format, c.name))
}

// becomes waits until inspect says so.
func (c *container) becomes(format, want string) {
	c.t.Helper()
	var is string
	if !poll(func() bool { is = c.inspect(format); return is == want }) {
		c.t.Fatalf("%s is %q after %s, want %q", format, is, patience, want)
	}
}

// wait waits for the end, and returns the exit status.
func (c *container) wait() int {
	c.t.Helper()
	select {
	case <-c.ended:
	case <-time.After(patience):
		c.t.Fatalf("still running after %s", patience)
	}
	return c.cmd.ProcessState.ExitCode()
}

// logged makes docker logs the output to look into.
func (c *container) logged() {
	c.t.Helper()
	c.stdout, c.stderr = &output{done: true}, &output{done: true}
	cmd := exec.Command("docker", "logs", c.name)
	cmd.Stdout, cmd.Stderr = c.stdout, c.stderr
	if err := cmd.Run(); err != nil {
		c.t.Fatalf("docker logs: %v", err)
	}
}

// grace is docker stop's, until it kills. The supervisor's is some seconds
// shorter, or it could not tell the end; both are long enough for a machine that
// has more to do.
const grace = patience

// stop stops the container as a deployment does, and returns the exit status.
func (c *container) stop() int {
	c.t.Helper()
	began := time.Now()
	c.docker("stop", "--time", strconv.Itoa(int(grace.Seconds())), c.name)
	if took := time.Since(began); took > grace {
		c.t.Errorf("docker stop took %s, so that it had to kill", took)
	}
	return c.wait()
}

// lines returns the lines of an event.
func (c *container) lines(event string) []map[string]string {
	var found []map[string]string
	for line := range strings.Lines(c.stderr.String()) {
		if matches(event, nil)(line) {
			found = append(found, fields(line))
		}
	}
	return found
}

// outlived removes the container, and returns what the record says then.
func (c *container) outlived(service string) told {
	c.t.Helper()
	c.docker("rm", "--volumes", c.name)
	c.removed = true
	return readers(c.t, c.records, service)
}

// poll waits until something holds that nobody tells us.
func poll(holds func() bool) bool {
	const pause = 250 * time.Millisecond // each question to Docker is a process
	deadline := time.Now().Add(patience)
	for !holds() {
		if time.Now().After(deadline) {
			return false
		}
		time.Sleep(pause)
	}
	return true
}

// read reads a file of the container's only record.
func (c *container) read(file string) string {
	c.t.Helper()
	found, _ := filepath.Glob(filepath.Join(c.records, "*", "*", file))
	if len(found) != 1 {
		c.t.Fatalf("%d files %s in the record directory, want one", len(found), file)
	}
	b, err := os.ReadFile(found[0])
	if err != nil {
		c.t.Fatal(err)
	}
	return string(b)
}

// lived checks that the record tells a good life: proven, then stopped.
func (k told) lived(t *testing.T, end aweigh.Exit) {
	t.Helper()
	if k.Verdict != aweigh.Ready || k.Run == nil || k.Run.End != aweigh.RunStopped || k.Exit == nil || *k.Exit != end {
		t.Errorf("the record says verdict %s, run %+v, exit %+v; want ready, stopped, %+v", k.Verdict, k.Run, k.Exit, end)
	}
}
