package deploying_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/aweigh/aweigh/test/dockerd"
)

// enginePrefix begins the names of what the tests' own engines make.
const enginePrefix = "awe"

var engines atomic.Int32

// ownEngine is an engine that a test may end. prepare comes before its start.
func ownEngine(t *testing.T, prepare func(*dockerd.Engine)) *dockerd.Engine {
	t.Helper()
	if absent != "" {
		missing(t, absent)
	}
	if why := dockerd.Missing(); why != "" {
		missing(t, why)
	}
	e, err := dockerd.New(enginePrefix, int(engines.Add(1)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	prepare(e)
	if err := e.Start(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{first, second} {
		if err := makeImage(e.Host(), name, "/server"); err != nil {
			t.Fatal(err)
		}
	}
	return e
}

// deployedOnOwn is a project on an engine of its own, whose first release was
// deployed.
func deployedOnOwn(t *testing.T) (*dockerd.Engine, *project) {
	t.Helper()
	e := ownEngine(t, func(*dockerd.Engine) {})
	p := undeployed(t, e.Host())
	p.bridged = true
	p.write(t, first, "")
	p.first(t)
	return e, p
}

// restarted kills an engine, and starts it again.
func restarted(t *testing.T, e *dockerd.Engine) {
	t.Helper()
	if err := e.End(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := e.Start(); err != nil {
		t.Fatal(err)
	}
}

func TestEngineKilledInTheMiddle(t *testing.T) {
	t.Parallel()
	e, p := deployedOnOwn(t)
	from, to := first, second
	// underWay starts a deployment, and returns once it is where it is to be hit.
	underWay := func(where string) (*exec.Cmd, *output) {
		p.write(t, to, "")
		cmd, said := p.command("deploy", "--yes", "--trial", "off", "--soak", "3s", "--within", patience), &output{}
		cmd.Stdout, cmd.Stderr = said, said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		await(t, where, func() bool {
			if where == "apply" {
				return strings.Contains(p.runs(t, "web", "{{.Image}}"), to)
			}
			return strings.Contains(said.String(), " verify     ok")
		})
		return cmd, said
	}
	// What an engine leaves when it is killed differs, and so does the end: it must be
	// proven.
	proven := func(where, out string, code int) {
		t.Helper()
		t.Logf("killed in %s: exit %d\n%s", where, code, out)
		if code == 0 {
			wantExit(t, out, code, 0, "deployed after")
			from, to = to, from
		} else {
			wantExit(t, out, code, 1, "ROLLED BACK", "prove      ok")
		}
		p.serves(t, from)
	}
	for _, where := range []string{"apply", "soak"} {
		cmd, said := underWay(where)
		restarted(t, e)
		cmd.Wait()
		proven(where, said.String(), cmd.ProcessState.ExitCode())
	}
	// The host goes down, and comes up.
	cmd, _ := underWay("soak")
	cmd.Process.Kill()
	cmd.Wait()
	restarted(t, e)
	out, code := p.aweigh(t, "deploy", "resume")
	proven("soak, with the deployment", out, code)
}

// An engine that is killed while it removes a container has it afterwards, and can
// start it no more: the way back makes it again. Here what it writes down of that is
// written in its place, for no test hits that moment each time.
func TestHalfRemovedIsMadeAgain(t *testing.T) {
	t.Parallel()
	e, p := deployedOnOwn(t)
	db := p.runs(t, "db", "{{.ID}}")
	p.write(t, second, "")
	cmd, said := p.command("deploy", "--yes", "--trial", "off", "--soak", "24h", "--within", patience), &output{}
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	await(t, "the soak", func() bool { return strings.Contains(said.String(), " verify     ok") })
	cmd.Process.Kill()
	cmd.Wait()
	if err := e.End(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	state := filepath.Join(e.Data(), "containers", db, "config.v2.json")
	text, err := os.ReadFile(state)
	if err != nil {
		t.Fatal(err)
	}
	marked := bytes.Replace(text, []byte(`"RemovalInProgress":false`), []byte(`"RemovalInProgress":true`), 1)
	if bytes.Equal(marked, text) {
		t.Fatalf("no state of removal in %s", text)
	}
	if err := os.WriteFile(state, marked, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := e.Start(); err != nil {
		t.Fatal(err)
	}
	out, code := p.aweigh(t, "deploy", "abort")
	wantExit(t, out, code, 1, "ROLLED BACK", "prove      ok")
	if now := p.runs(t, "db", "{{.ID}}"); now == "" || now == db {
		t.Errorf("db is %q, and was %s", now, db)
	}
	p.serves(t, first)
}
