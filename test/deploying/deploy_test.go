package deploying_test

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// patience is for a machine that has more to do.
const patience = "3m"

// back fails unless the first release runs, alone, and serves.
func (p *project) back(t *testing.T) {
	t.Helper()
	p.serves(t, first)
}

// serves fails unless a release runs, alone, and serves.
func (p *project) serves(t *testing.T, release string) {
	t.Helper()
	if image := p.runs(t, "web", "{{.Image}}"); image != release {
		t.Errorf("runs %q, want %s", image, release)
	}
	if n := p.all(t); n != 2 {
		t.Errorf("%d containers, want 2", n)
	}
	p.write(t, release, "") // so that verify knows what is meant
	want := 0
	if p.host != "" {
		want = 3 // the owner of a port is unknown where the engine has other processes' numbers
	}
	if _, code := p.aweigh(t, "verify", "--within", patience, "web"); code != want {
		t.Errorf("verify: exit %d, want %d", code, want)
	}
}

func wantExit(t *testing.T, out string, code, want int, words ...string) {
	t.Helper()
	if code != want {
		t.Errorf("exit %d, want %d", code, want)
	}
	for _, w := range words {
		if !strings.Contains(out, w) {
			t.Errorf("%q is not in the output", w)
		}
	}
}

func TestGoodReleaseIsDeployed(t *testing.T) {
	t.Parallel()
	p := deployed(t)
	db := p.runs(t, "db", "{{.ID}}")
	p.write(t, second, "")
	out, code := p.aweigh(t, "deploy", "--dry-run")
	wantExit(t, out, code, 0, "to become "+second, "Nothing was done")

	out, code = p.aweigh(t, "deploy", "--yes", "--soak", "3s", "--within", patience)
	wantExit(t, out, code, 0, "deployed after", "new: web", "watched for 3s")
	if image := p.runs(t, "web", "{{.Image}}"); image != second {
		t.Errorf("runs %q, want %s", image, second)
	}
	if p.runs(t, "db", "{{.ID}}") != db {
		t.Error("the database was made anew")
	}
	var list []struct{ ID, Outcome string }
	out, _ = p.aweigh(t, "deployments", "--json")
	if err := json.Unmarshal([]byte(out), &list); err != nil || len(list) != 2 || list[0].Outcome != "deployed" {
		t.Fatalf("%v: %s", err, out)
	}
	out, code = p.aweigh(t, "deployments", "show", list[0].ID)
	wantExit(t, out, code, 0, first, "SECRET")
	if kept := p.docker(t, "images", "--quiet", "aweigh-rollback/"+p.name+"-web"); len(kept) == 0 {
		t.Error("the image of before is not kept")
	}
	// A person finds the new release sick, and goes back.
	p.docker(t, "pause", p.runs(t, "web", "{{.ID}}"))
	out, code = p.aweigh(t, "resolve", "web", "--dry-run")
	wantExit(t, out, code, 0, "rollback: go back to what ran before")
	p.docker(t, "unpause", p.runs(t, "web", "{{.ID}}"))
}

func TestImageThatCannotStartIsRefused(t *testing.T) {
	t.Parallel()
	p := deployed(t)
	web := p.runs(t, "web", "{{.ID}}")
	p.write(t, broken, "")
	out, code := p.aweigh(t, "deploy", "--yes", "--trial", "off")
	wantExit(t, out, code, 2, "nothing was done", "/sever is not in the image")
	if p.runs(t, "web", "{{.ID}}") != web || p.all(t) != 2 {
		t.Error("something was touched")
	}
}

func TestTrialBootFindsTheCrash(t *testing.T) {
	t.Parallel()
	p := deployed(t)
	web := p.runs(t, "web", "{{.ID}}")
	p.write(t, second, "CRASH_AFTER: 1s")
	out, code := p.aweigh(t, "preflight")
	wantExit(t, out, code, 1, "FATAL: out of luck")
	if p.runs(t, "web", "{{.ID}}") != web || p.all(t) != 2 {
		t.Error("something was touched")
	}
}

func TestCrashLoopAfterAWhileIsRolledBack(t *testing.T) {
	t.Parallel()
	p := deployed(t)
	p.write(t, second, "CRASH_AFTER: 20s")
	out, code := p.aweigh(t, "deploy", "--yes", "--trial", "off", "--soak", "24h", "--within", patience)
	wantExit(t, out, code, 1, "ROLLED BACK", "restarts: 1 restart since")
	p.back(t)
}

func TestHealthThatTurnsBadIsRolledBack(t *testing.T) {
	t.Parallel()
	p := deployed(t)
	p.write(t, second, "SICK_AFTER: 20s")
	out, code := p.aweigh(t, "deploy", "--yes", "--trial", "off", "--soak", "24h", "--within", patience)
	wantExit(t, out, code, 1, "ROLLED BACK", "500")
	p.back(t)
}

func TestPortThatIsTakenIsRefused(t *testing.T) {
	t.Parallel()
	p := deployed(t)
	web := p.runs(t, "web", "{{.ID}}")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	was := p.port
	p.port = l.Addr().(*net.TCPAddr).Port
	p.write(t, first, "")
	out, code := p.aweigh(t, "deploy", "--yes", "--trial", "off")
	wantExit(t, out, code, 2, fmt.Sprintf("port %d is already in use by ", p.port), fmt.Sprintf("(pid %d)", os.Getpid()))
	if p.runs(t, "web", "{{.ID}}") != web {
		t.Error("something was touched")
	}
	p.port = was
}

func TestMigrationThatFailsIsRolledBack(t *testing.T) {
	t.Parallel()
	p := deployed(t)
	web := p.runs(t, "web", "{{.ID}}")
	p.write(t, second, "")
	conf := fmt.Sprintf("stages:\n  production:\n    within: %s\n    trial: off\n    before:\n      apply: %s fail\n", patience, server)
	p.put(t, "aweigh.yaml", conf)
	out, code := p.aweigh(t, "deploy", "--yes")
	wantExit(t, out, code, 1, "ROLLED BACK", "migration 17 failed: no such column")
	if p.runs(t, "web", "{{.ID}}") != web {
		t.Error("what was not touched was made anew")
	}
	p.back(t)
}

func TestStageThatFailsTakesTheOnesBeforeBack(t *testing.T) {
	t.Parallel()
	p := deployed(t)
	production := p.runs(t, "web", "{{.ID}}")
	staging := &project{dir: p.dir, state: p.state, file: p.file, name: p.name + "-staging", port: freePort(t)}
	t.Cleanup(func() { staging.down(t, "staging.yaml") })
	p.write(t, second, "CRASH_AFTER: 3s")
	staging.writeTo(t, "staging.yaml", second, "")
	conf := fmt.Sprintf("defaults: {interval: 1s}\nstages:\n  staging: {files: staging.yaml, project_name: %s, trial: off, within: %s, soak: 2s}\n  production: {files: compose.yaml, project_name: %s, trial: off, within: %s}\n",
		staging.name, patience, p.name, patience)
	p.put(t, "aweigh.yaml", conf)
	out, code := p.aweigh(t, "deploy", "--yes")
	wantExit(t, out, code, 1, "watched for 2s", "verify of production", "nothing ran before: 2 containers removed")
	if n := staging.all(t); n != 0 {
		t.Errorf("%d containers of the first stage were left", n)
	}
	if p.runs(t, "web", "{{.ID}}") == production {
		t.Error("the second stage was never applied")
	}
	p.back(t)
}

// killed starts a deployment of the second release, and kills it once a container
// of that is there.
func killed(t *testing.T) *project {
	t.Helper()
	p := deployed(t)
	p.write(t, second, "")
	cmd := p.command("deploy", "--yes", "--trial", "off", "--within", patience)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	await(t, "the new container", func() bool { return strings.Contains(p.runs(t, "web", "{{.Image}}"), second) })
	cmd.Process.Kill()
	cmd.Wait()
	out, code := p.aweigh(t, "deploy", "--yes")
	wantExit(t, out, code, 2, "was interrupted at", "deploy resume")
	return p
}

func TestKilledDeploymentIsResumed(t *testing.T) {
	t.Parallel()
	p := killed(t)
	out, code := p.aweigh(t, "deploy", "resume")
	wantExit(t, out, code, 0, "deployed after")
	if image := p.runs(t, "web", "{{.Image}}"); image != second || p.all(t) != 2 {
		t.Errorf("runs %q, want %s", image, second)
	}
	out, code = p.aweigh(t, "deploy", "resume")
	wantExit(t, out, code, 2, "no deployment is unfinished")
}

func TestKilledDeploymentIsAborted(t *testing.T) {
	t.Parallel()
	p := killed(t)
	out, code := p.aweigh(t, "deploy", "abort")
	wantExit(t, out, code, 1, "ROLLED BACK", "aborted by")
	p.back(t)
	if left := p.docker(t, "images", "--quiet", "aweigh-rollback/"+p.name+"-web"); len(left) > 1 {
		t.Errorf("names of images were left: %v", left)
	}
}

func TestSecondDeploymentIsToldWhoHasTheLock(t *testing.T) {
	t.Parallel()
	p := deployed(t)
	cmd := p.command("deploy", "--yes", "--trial", "off", "--soak", "24h")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		cmd.Process.Signal(os.Interrupt)
		if cmd.Wait(); cmd.ProcessState.ExitCode() != 4 {
			t.Errorf("interrupted: %v", cmd.ProcessState)
		}
	}()
	lock := filepath.Join(p.state, "deployments", "lock-"+p.name)
	await(t, "the lock", func() bool {
		text, err := os.ReadFile(lock)
		return err == nil && strings.Contains(string(text), fmt.Sprintf(`"pid":%d,`, cmd.Process.Pid))
	})
	holder := fmt.Sprintf("(pid %d) since", cmd.Process.Pid)
	out, code := p.aweigh(t, "deploy", "--yes")
	wantExit(t, out, code, 2, holder, "in "+p.state)
	elsewhere := *p
	elsewhere.state = t.TempDir()
	for _, args := range [][]string{{"deploy", "--yes"}, {"resolve", "--yes", "web"}} {
		out, code = elsewhere.aweigh(t, args[0], args[1:]...)
		wantExit(t, out, code, 2, holder, "in "+p.state)
	}
}

// await waits for what is to become true.
func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(3 * time.Minute); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if is() {
			return
		}
	}
	t.Fatalf("%s did not come", what)
}
