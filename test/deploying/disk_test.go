package deploying_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/aweigh/aweigh/test/dockerd"
)

// smallDisk mounts a disk of 1 MiB.
func smallDisk(t *testing.T) string {
	t.Helper()
	if os.Getuid() != 0 {
		missing(t, "only root can mount a small disk")
	}
	dir, err := os.MkdirTemp("/tmp", fmt.Sprintf("%s-%d-", enginePrefix, os.Getpid()))
	if err != nil {
		t.Fatal(err)
	}
	full := filepath.Join(dir, "full") // which Sweep knows
	if err := os.Mkdir(full, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", full, "tmpfs", 0, "size=1m"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		syscall.Unmount(full, syscall.MNT_DETACH)
		os.RemoveAll(dir)
	})
	return full
}

// fill leaves no room on the disk of a directory, until free is called.
func fill(t *testing.T, dir string) (free func()) {
	t.Helper()
	file := filepath.Join(dir, "filler")
	if out, err := exec.Command(server, "fill", file).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return func() { os.Remove(file) }
}

// fillsUp has the disk of a directory fill up in the middle of a deployment.
func (p *project) fillsUp(t *testing.T, dir string) {
	t.Helper()
	conf := fmt.Sprintf("stages:\n  production:\n    within: %s\n    trial: off\n    before:\n      apply: %s fill %s/filler\n", patience, server, dir)
	p.put(t, "aweigh.yaml", conf)
}

func TestFullStateDirectory(t *testing.T) {
	t.Parallel()
	p := undeployed(t, "")
	p.state = smallDisk(t)
	p.first(t)
	web := p.runs(t, "web", "{{.ID}}")
	p.write(t, second, "")
	free := fill(t, p.state)
	out, code := p.aweigh(t, "deploy", "--yes", "--trial", "off")
	wantExit(t, out, code, 2, p.state, "no space left on device", "nothing was done: make room")
	if p.runs(t, "web", "{{.ID}}") != web {
		t.Error("something was touched")
	}
	free()
	p.fillsUp(t, p.state)
	out, code = p.aweigh(t, "deploy", "--yes")
	wantExit(t, out, code, 0, "deployed after")
	os.Remove(filepath.Join(p.state, "filler"))
	out, code = p.aweigh(t, "deployments")
	if n := strings.Count(out, "  deployed  "); code != 0 || n != 2 {
		t.Errorf("exit %d, %d deployments are known as deployed, want 2", code, n)
	}
	p.serves(t, second)
}

func TestFullEngine(t *testing.T) {
	t.Parallel()
	var data string
	e := ownEngine(t, func(e *dockerd.Engine) {
		if err := os.Mkdir(e.Data(), 0o711); err != nil {
			t.Fatal(err)
		}
		if out, err := e.Enter("mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", e.Data()).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		data = e.Inside(e.Data())
	})
	p := undeployed(t, e.Host())
	p.bridged = true
	p.write(t, first, "")
	p.first(t)
	web := p.runs(t, "web", "{{.ID}}")
	p.write(t, second, "")
	free := fill(t, data)
	out, code := p.aweigh(t, "deploy", "--yes", "--trial", "off")
	wantExit(t, out, code, 2, "nothing was done", "no space left on device")
	if p.runs(t, "web", "{{.ID}}") != web {
		t.Error("something was touched")
	}
	free()
	p.fillsUp(t, data)
	// The engine has stopped the old container by then, and cannot start any: that
	// needs room.
	cmd, said := p.command("deploy", "--yes"), &output{}
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	await(t, "the question for room", func() bool { return strings.Contains(said.String(), "the way back needs room on the engine's disk") })
	os.Remove(filepath.Join(data, "filler"))
	cmd.Wait()
	t.Log(said)
	wantExit(t, said.String(), cmd.ProcessState.ExitCode(), 1, "no space left on device", "runs again as before: web", "ROLLED BACK")
	p.back(t)
}
