package deploying_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// unlocked fails if a lock of the project was left on the engine, and removes it.
func (p *project) unlocked(t *testing.T) {
	t.Helper()
	for _, volume := range p.docker(t, "volume", "ls", "--quiet", "--filter", "name=^aweigh-deploying-"+p.name+"($|\\.)") {
		t.Errorf("left on the engine: volume %s", volume)
		p.docker(t, "volume", "rm", volume)
	}
}

// Two hosts that deploy to one engine have neither a network namespace nor a state
// directory in common, and a host that was rebooted has another boot id.
func TestLockReachesOtherHosts(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		missing(t, "only root can make a network namespace")
	}
	p := deployed(t)
	p.write(t, second, "")
	underWay := func() *exec.Cmd {
		cmd, said := p.command("deploy", "--yes", "--trial", "off", "--soak", "24h", "--within", patience), &output{}
		cmd.Stdout, cmd.Stderr = said, said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		await(t, "the soak", func() bool { return strings.Contains(said.String(), " verify     ok") })
		return cmd
	}
	boot := filepath.Join(t.TempDir(), "boot_id")
	if err := os.WriteFile(boot, []byte("another\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	rebooted := []string{"unshare", "--mount", "sh", "-c", `mount --bind "$0" /proc/sys/kernel/random/boot_id && exec "$@"`, boot}
	otherHost, otherBoot, otherState := *p, *p, *p
	otherHost.state, otherHost.through = t.TempDir(), []string{"unshare", "--net"}
	otherBoot.state, otherBoot.through = t.TempDir(), rebooted
	otherState.state = t.TempDir()
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}

	first := underWay()
	holder := []string{fmt.Sprintf(" on %s (pid %d) since ", host, first.Process.Pid), "in " + p.state + " there", "`aweigh deploy resume` there",
		"`docker volume rm aweigh-deploying-" + p.name + "`"}
	for _, args := range [][]string{{"deploy", "--yes"}, {"resolve", "--yes", "web"}} {
		out, code := otherHost.aweigh(t, args[0], args[1:]...)
		wantExit(t, out, code, 2, holder...)
	}
	first.Process.Kill()
	first.Wait()
	for _, elsewhere := range []*project{&otherHost, &otherBoot} {
		out, code := elsewhere.aweigh(t, "deploy", "--yes")
		wantExit(t, out, code, 2, holder...)
	}
	p.through = rebooted
	out, code := p.aweigh(t, "deploy", "abort")
	wantExit(t, out, code, 1, "ROLLED BACK", "aborted by")
	p.through = nil
	p.unlocked(t)

	again := underWay()
	again.Process.Kill()
	again.Wait()
	out, code = otherHost.aweigh(t, "deploy", "--yes")
	wantExit(t, out, code, 2, "is being deployed by")
	out, code = otherState.aweigh(t, "deploy", "--yes", "--trial", "off", "--within", patience)
	wantExit(t, out, code, 0, "deployed after")
	p.unlocked(t)
	out, code = p.aweigh(t, "deploy", "abort") // for the names of its images
	wantExit(t, out, code, 1, "ROLLED BACK")
}
