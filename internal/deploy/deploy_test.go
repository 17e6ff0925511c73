package deploy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/types"

	"github.com/moby/moby/api/types/container"

	"github.com/aweigh/aweigh/internal/compose"
	"github.com/aweigh/aweigh/internal/config"
	"github.com/aweigh/aweigh/internal/docker"
	"github.com/aweigh/aweigh/internal/verify"
)

// begun is a deployment through two stages.
func begun(t *testing.T) *Deployment {
	t.Helper()
	d, err := Begin(t.TempDir(), Plan{ID: "01JDQ4X0000000000000000000", Stages: []Stage{{Name: "staging", Project: "a"}, {Name: "production", Project: "b"}}})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// goes takes steps until there is none, and returns them; those in fail fail.
func goes(t *testing.T, d *Deployment, most int, fail ...string) (taken []string) {
	t.Helper()
	for range most {
		p := d.position()
		here, ok := p.next()
		if !ok {
			return append(taken, string(p.result()))
		}
		stage := d.Plan.Stages[here.stage].Name
		name := stage + " " + here.step
		taken = append(taken, name)
		e := Entry{Event: Done, Stage: stage, Step: here.step}
		if slices.Contains(fail, name) {
			e.Event, e.Detail = Failed, "no"
		}
		for _, e := range []Entry{{Event: Begun, Stage: stage, Step: here.step}, e} {
			if err := d.note(e); err != nil {
				t.Fatal(err)
			}
		}
	}
	return taken
}

func TestStagesFollowEachOther(t *testing.T) {
	got := goes(t, begun(t), 99)
	want := []string{"staging record", "staging preflight", "staging apply", "staging verify", "staging soak",
		"production record", "production preflight", "production apply", "production verify", "production soak", "deployed"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestFailureRollsBackAllThatWasTouchedTheLastFirst(t *testing.T) {
	got := goes(t, begun(t), 99, "production verify")
	want := []string{"production rollback", "production prove", "staging rollback", "staging prove", "rolled-back"}
	if len(got) < 5 || !slices.Equal(got[len(got)-5:], want) {
		t.Errorf("got %q", got)
	}
}

func TestFailureBeforeAnythingWasTouchedDoesNothing(t *testing.T) {
	got := goes(t, begun(t), 99, "staging preflight")
	if want := []string{"staging record", "staging preflight", "nothing-done"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestRollbackThatFailedIsTriedAgainOnDemand(t *testing.T) {
	d := begun(t)
	got := goes(t, d, 99, "staging apply", "staging prove")
	if got[len(got)-1] != "rollback-failed" || d.Trouble() != "prove of staging: no" || d.Why() != "apply of staging: no" {
		t.Fatalf("got %q, %q, %q", got, d.Trouble(), d.Why())
	}
	if err := d.Abort("somebody"); err != nil {
		t.Fatal(err)
	}
	if got := goes(t, d, 99); !slices.Equal(got, []string{"staging rollback", "staging prove", "rolled-back"}) {
		t.Errorf("got %q", got)
	}
}

// A kill -9 may come behind any byte of the journal. What is read then goes on
// with the step that was begun, and never takes back what was done.
func TestJournalThatWasCutOffAnywhereGoesOn(t *testing.T) {
	whole := begun(t)
	goes(t, whole, 99, "production verify")
	text, err := os.ReadFile(filepath.Join(whole.Dir, journalName))
	if err != nil {
		t.Fatal(err)
	}
	first := slices.Index(text, '\n') + 1
	done := -1
	for n := first; n <= len(text); n += 53 {
		state := t.TempDir()
		dir := filepath.Join(root(state), whole.Plan.ID)
		if err := errors.Join(os.MkdirAll(dir, 0o700), os.WriteFile(filepath.Join(dir, journalName), text[:n], 0o600)); err != nil {
			t.Fatal(err)
		}
		d, err := Open(state, whole.Plan.ID)
		if err != nil {
			t.Fatalf("cut at %d: %v", n, err)
		}
		if now := len(d.position().done); now < done {
			t.Fatalf("cut at %d: %d steps are done, there were %d", n, now, done)
		} else {
			done = now
		}
		got := goes(t, d, 99, "production verify")
		if last := got[len(got)-1]; last != "rolled-back" {
			t.Fatalf("cut at %d: %q", n, got)
		}
		if again, err := Open(state, "01JDQ4"); err != nil || len(again.Entries) < len(d.Entries) {
			t.Fatalf("cut at %d: what was appended cannot be read: %v", n, err)
		}
	}
}

func TestLockNamesItsHolder(t *testing.T) {
	id := fmt.Sprintf("%s-%d", t.Name(), os.Getpid()) // this host has other tests
	url, asked := refusing(t)
	shop, blog := Stage{Project: "shop", EngineID: id, Docker: url}, Stage{Project: "blog", EngineID: id, Docker: url}
	state := t.TempDir()
	var warnings []error
	lock := func(state, by, deployment string, stages ...Stage) (func(), error) {
		plan := Plan{ID: deployment, Stages: stages}
		return plan.Lock(t.Context(), state, by, func(err error) { warnings = append(warnings, err) })
	}
	unlock, err := lock(state, "ann", "01JD", shop, blog)
	if err != nil {
		t.Fatal(err)
	}
	if len(warnings) != 2 || asked.Load() != 2 || !strings.Contains(warnings[0].Error(), "deploying the project blog meanwhile") {
		t.Errorf("the engine was asked %d times, and refused it: %v", asked.Load(), warnings)
	}
	elsewhere := blog
	elsewhere.EngineID += "-2"
	for what, try := range map[string]struct {
		state string
		stage Stage
	}{
		"another state directory": {t.TempDir(), blog},
		"another engine":          {state, elsewhere},
	} {
		_, err = lock(try.state, "bob", "01JE", try.stage)
		var held *Held
		if !errors.As(err, &held) || held.By != "ann" || held.PID != os.Getpid() || held.Deployment != "01JD" || held.State != state {
			t.Errorf("%s: got %v", what, err)
		}
	}
	if other, err := lock(t.TempDir(), "bob", "01JE", elsewhere); err != nil {
		t.Errorf("another engine, and another state directory: %v", err)
	} else {
		other()
	}
	unlock()
	again, err := lock(t.TempDir(), "bob", "01JE", blog)
	if err != nil {
		t.Fatal(err)
	}
	again()
	if len(warnings) != 4 {
		t.Errorf("warned %d times, want once for each lock: %v", len(warnings), warnings)
	}
}

func TestServicesComeBehindWhatTheyNeed(t *testing.T) {
	on := func(names ...string) types.DependsOnConfig {
		d := types.DependsOnConfig{}
		for _, n := range names {
			d[n] = types.ServiceDependency{Condition: types.ServiceConditionStarted, Required: true}
		}
		return d
	}
	service := func(name string, needs ...string) types.ServiceConfig {
		s := types.ServiceConfig{Name: name}
		s.DependsOn = on(needs...)
		return s
	}
	p := &compose.Project{Project: &types.Project{Services: types.Services{
		"web": service("web", "api"), "api": service("api", "db", "cache"), "db": service("db"), "cache": service("cache"), "other": service("other")}}}
	if got, err := Ordered(p, []string{"web"}); err != nil || !slices.Equal(got, []string{"cache", "db", "api", "web"}) {
		t.Errorf("got %v, %v", got, err)
	}
	p.Services["db"] = service("db", "web")
	if _, err := Ordered(p, []string{"web"}); err == nil {
		t.Error("a circle was taken")
	}
}

// Two people used the name of a project at once; one's rollback removed the other's
// containers.
func TestRollbackLeavesContainersOfOthersAlone(t *testing.T) {
	made := func(name, dir string) docker.Twin {
		return docker.Twin{Name: name, Config: &container.Config{Labels: map[string]string{"com.docker.compose.project.working_dir": dir}}}
	}
	before := &Before{Containers: []docker.Twin{made("shop_web_1", "/elsewhere")}}
	s := &Stage{Dir: "/srv/shop"}
	for _, c := range []struct {
		twin docker.Twin
		ours bool
	}{{made("shop_api_1", "/srv/shop"), true}, {made("shop_web_1", "/elsewhere"), true}, {made("by-hand", ""), false}, {made("shop_web_2", "/home/bob/shop"), false}} {
		if ours(c.twin, before, s) != c.ours {
			t.Errorf("%s: ours is %v", c.twin.Name, !c.ours)
		}
	}
}

// The engine went away in the middle of verify, for longer than that had time: all was
// unknown, nothing had failed, and the release was called deployed.
func TestWhatTheEngineDidNotTellIsNotProven(t *testing.T) {
	unasked := verify.Check{Service: "web", Name: "running", Result: verify.Unknown, Found: "the container engine does not answer"}
	unproven := verify.Check{Service: "web", Name: "start-proven", Result: verify.Unknown, Found: "there is nothing to ask"}
	if err := failure(verify.Report{Checks: []verify.Check{unasked}}); err == nil || err.Error() != "web: running: the container engine does not answer" {
		t.Errorf("got %v", err)
	}
	if err := failure(verify.Report{Checks: []verify.Check{unproven}}); err != nil {
		t.Errorf("a service with nothing to ask: %v", err)
	}
}

func TestTagsOfImagesCanBeTags(t *testing.T) {
	s := &Stage{Project: "shop"}
	if got := tag("01JD", s, "Web_Front.End"); got != "aweigh-rollback/shop-web-front-end:01JD" {
		t.Errorf("got %s", got)
	}
}

// A deployment was killed with -9, and resumed: its migration was at work twice at once.
func TestHookEndsWithWhoeverCalledIt(t *testing.T) {
	const called = "AWEIGH_TEST_CALLS_HOOK"
	if dir := os.Getenv(called); dir != "" {
		command(t.Context(), &Stage{Dir: dir}, []string{filepath.Join(dir, "hook")}, time.Minute)
		return
	}
	dir := t.TempDir()
	script := "#!/bin/sh\nexec 9>held; flock 9; echo begun >begun; exec sleep 1000\n"
	if err := errors.Join(os.WriteFile(filepath.Join(dir, "hook"), []byte(script), 0o700), syscall.Mkfifo(filepath.Join(dir, "begun"), 0o600)); err != nil {
		t.Fatal(err)
	}
	caller := exec.Command(os.Args[0], "-test.run", t.Name())
	caller.Env = append(os.Environ(), called+"="+dir)
	if err := caller.Start(); err != nil {
		t.Fatal(err)
	}
	os.ReadFile(filepath.Join(dir, "begun"))
	caller.Process.Kill()
	caller.Wait()
	if err := exec.Command("flock", "--wait", "5", filepath.Join(dir, "held"), "true").Run(); err != nil {
		t.Errorf("it still runs: %v", err)
	}
}

// A hook that leaves something at work in the background had done what it was asked, and
// the deployment was rolled back for that: "WaitDelay expired before I/O complete".
func TestHookMayLeaveSomethingAtWork(t *testing.T) {
	defer func(was time.Duration) { hookGrace = was }(hookGrace)
	hookGrace = 50 * time.Millisecond
	s := &Stage{Dir: t.TempDir(), Project: "shop"}
	out, err := command(t.Context(), s, []string{"sh", "-c", "sleep 30 & echo $!"}, time.Minute)
	if err != nil {
		t.Errorf("%q, %v", out, err)
	}
	if pid, err := strconv.Atoi(strings.TrimSpace(string(out))); err == nil {
		syscall.Kill(pid, syscall.SIGKILL)
	}
}

// A team that is to be told behind the soak was not, where that takes no time.
func TestHooksOfASoakOfNoTimeAreRun(t *testing.T) {
	r := &run{Deployment: begun(t), Tools: Tools{Out: &Progress{W: io.Discard}}}
	s := &Stage{Dir: t.TempDir(), Before: map[string][]config.Command{stepSoak: {{"touch", "before"}}}, After: map[string][]config.Command{stepSoak: {{"touch", "after"}}}}
	if _, err := r.withHooks(t.Context(), s, stepSoak, steps[stepSoak]); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"before", "after"} {
		if _, err := os.Stat(filepath.Join(s.Dir, name)); err != nil {
			t.Error(err)
		}
	}
}

func TestHookIsNoShellAndIsEndedWithItsChildren(t *testing.T) {
	s := &Stage{Dir: t.TempDir(), Project: "shop"}
	out, err := command(context.Background(), s, []string{"echo", "$HOME; exit 1"}, time.Minute)
	if err != nil || string(out) != "$HOME; exit 1\n" {
		t.Errorf("got %q, %v", out, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := command(ctx, s, []string{"sleep", "1000"}, time.Minute); err == nil {
		t.Error("it was not ended")
	}
}
