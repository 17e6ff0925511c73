package deploy

import (
	"encoding/json"
	"io"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/aweigh/aweigh/internal/core"
	"github.com/aweigh/aweigh/internal/docker"
	"github.com/aweigh/aweigh/internal/verify"
)

var shop = &Stage{Name: "local", Project: "shop", Dir: "/srv/shop", Services: []string{"data", "web", "worker"}}

// was is what there was of shop.
func was(refs map[string]string, all ...docker.Twin) *Before {
	return &Before{Containers: all, Refs: refs, again: map[string]string{}, handed: map[string]*handover{}, keep: func([]byte) error { return nil }}
}

func quiet(string) {}

// A preflight had pulled a newer image for a service that did not run. The old one, which
// nobody used, was pruned, and nothing at all was brought back.
func TestImageThatNobodyUsedAndIsGoneHoldsUpNoWayBack(t *testing.T) {
	engine, s := engineWith(t, map[string]string{"web:1": "sha256:old", "job:1": "sha256:newer", tag("01JD", shop, "web"): "sha256:old"},
		box("b", "web", "web:2", "sha256:new", "running"))
	before := was(map[string]string{"web:1": "sha256:old", "job:1": "sha256:pruned"}, box("a", "web", "web:1", "sha256:old", "running"))
	if _, err := Restore(t.Context(), engine, before, "01JD", shop, quiet, nil); err != nil || s.has() != "shop_web_1 sha256:old running" {
		t.Errorf("%s, %v", s.has(), err)
	}
}

// The way back needs no disk of Aweigh's: what it keeps spares the next one some work.
func TestFullStateDirectoryHoldsUpNoWayBack(t *testing.T) {
	engine, s := engineWith(t, map[string]string{"web:1": "sha256:old"}, box("b", "web", "web:2", "sha256:new", "running"))
	before := was(nil, box("a", "web", "web:1", "sha256:old", "running"))
	before.keep = func([]byte) error { return syscall.ENOSPC }
	if _, err := Restore(t.Context(), engine, before, "01JD", shop, quiet, nil); err != nil || s.has() != "shop_web_1 sha256:old running" {
		t.Errorf("%s, %v", s.has(), err)
	}
}

// A person had stopped the worker; the deployment started it, failed, and left it at work.
func TestWhatDidNotRunBeforeIsStoppedAgain(t *testing.T) {
	engine, s := engineWith(t, map[string]string{"worker:1": "sha256:w", "other:1": "sha256:o"}, box("a", "worker", "worker:1", "sha256:w", "running"), box("b", "other", "other:1", "sha256:o", "running"))
	before := was(nil, box("a", "worker", "worker:1", "sha256:w", "exited"), box("b", "other", "other:1", "sha256:o", "exited"))
	deployed := *shop
	deployed.Services = []string{"worker"}
	said, err := Restore(t.Context(), engine, before, "01JD", &deployed, quiet, nil)
	if err != nil || s.has() != "shop_other_1 sha256:o running, shop_worker_1 sha256:w exited" || said != "as before: worker stopped" {
		t.Errorf("%s, %q, %v", s.has(), said, err)
	}
}

// An update of the engine restarted it once more while the way back was under way: that
// had failed, and what it had removed stayed down until a person came.
func TestWayBackOutlivesARestartOfTheEngine(t *testing.T) {
	engine, s := engineWith(t, map[string]string{"web:1": "sha256:old"}, box("b", "web", "web:2", "sha256:new", "running"))
	s.lost = 5
	d, err := Begin(t.TempDir(), Plan{ID: "01JDQ4X0000000000000000000", Stages: []Stage{*shop}})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(was(nil, box("a", "web", "web:1", "sha256:old", "running")))
	if err == nil {
		err = d.keep("local/before.json", text)
	}
	if err != nil {
		t.Fatal(err)
	}
	r := &run{Deployment: d, engines: map[string]*docker.Engine{"": engine}, Tools: Tools{Out: &Progress{W: io.Discard}}}
	if _, err := r.restore(t.Context(), &d.Plan.Stages[0]); err != nil || s.has() != "shop_web_1 sha256:old running" {
		t.Errorf("%s, %v", s.has(), err)
	}
}

// A worker that nobody deployed had been restarting for days. The web that was deployed
// was brought back, and the rollback had "failed", however often it was tried.
func TestWhatWasNotDeployedNeedsNoProof(t *testing.T) {
	engine, _ := engineWith(t, nil)
	web, worker := box("a", "web", "web:1", "sha256:old", "running"), box("b", "worker", "worker:1", "sha256:w", "restarting")
	deployed := *shop
	deployed.Services = []string{"web"}
	proven := func(before *Before) (asked []string) {
		Prove(t.Context(), engine, before, &deployed, Tools{Out: &Progress{W: io.Discard}, Was: func(_ string, all []docker.Twin) verify.Target {
			asked = append(asked, all[0].Service)
			return verify.Target{Service: all[0].Service}
		}}, 0)
		return asked
	}
	if got := proven(was(nil, web, worker)); !slices.Equal(got, []string{"web"}) {
		t.Errorf("got %q", got)
	}
	again := was(nil, web, worker)
	again.again["b"] = "c"
	if got := proven(again); !slices.Equal(got, []string{"web", "worker"}) {
		t.Errorf("made again: got %q", got)
	}
}

// Of a project with volumes_from both were replaced, and the one could not be made again:
// the container that it named was gone.
func TestVolumesOfAContainerThatIsMadeAgainAreThoseOfTheNewOne(t *testing.T) {
	engine, s := engineWith(t, map[string]string{"data:1": "sha256:d", "web:1": "sha256:w"})
	data, web := box("aaaa", "data", "data:1", "sha256:d", "running"), box("bbbb", "web", "web:1", "sha256:w", "running")
	web.Host.VolumesFrom = []string{"aaaa:rw"}
	if _, err := Restore(t.Context(), engine, was(nil, data, web), "01JD", shop, quiet, nil); err != nil {
		t.Error(s.has(), err)
	}
}

// A paused worker can neither be started nor be proven: no rollback of another service came
// past it.
func TestWhatIsPausedIsLeftSo(t *testing.T) {
	engine, s := engineWith(t, map[string]string{"web:1": "sha256:old"}, box("a", "worker", "worker:1", "sha256:w", "paused"), box("c", "web", "web:2", "sha256:new", "running"))
	before := was(nil, box("a", "worker", "worker:1", "sha256:w", "paused"), box("b", "web", "web:1", "sha256:old", "running"))
	if _, err := Restore(t.Context(), engine, before, "01JD", shop, quiet, nil); err != nil || s.has() != "shop_web_1 sha256:old running, shop_worker_1 sha256:w paused" {
		t.Errorf("%s, %v", s.has(), err)
	}
	if got := before.services(); !slices.Equal(got, []string{"web"}) {
		t.Errorf("to be proven are %q", got)
	}
}

// While web was watched, somebody replaced the worker, and a backup was begun. The rollback
// of web took both away, and made the old worker again.
func TestWhatOthersDidMeanwhileIsLeftAlone(t *testing.T) {
	engine, s := engineWith(t, map[string]string{"web:1": "sha256:old", "worker:1": "sha256:w"}, box("d", "worker", "worker:2", "sha256:x", "running"), box("e", "backup", "backup:1", "sha256:b", "running"), box("c", "web", "web:2", "sha256:new", "running"))
	before := was(nil, box("a", "worker", "worker:1", "sha256:w", "running"), box("b", "web", "web:1", "sha256:old", "running"))
	deployed := *shop
	deployed.Services = []string{"web"}
	if _, err := Restore(t.Context(), engine, before, "01JD", &deployed, quiet, nil); err != nil || s.has() != "shop_backup_1 sha256:b running, shop_web_1 sha256:old running, shop_worker_1 sha256:x running" {
		t.Errorf("%s, %v", s.has(), err)
	}
	one := before.Of("worker")
	if _, err := Restore(t.Context(), engine, one, "01JD", &deployed, quiet, nil); err != nil || s.has() != "shop_backup_1 sha256:b running, shop_web_1 sha256:old running, shop_worker_1 sha256:w running" {
		t.Errorf("of the worker alone: %s, %v", s.has(), err)
	}
}

// `docker image prune -a` takes names as well. The new web, which still served, was removed
// before it was found that the old one could not be made; and the api was never reached.
func TestServiceWhoseImageIsGoneKeepsWhatItHas(t *testing.T) {
	engine, s := engineWith(t, map[string]string{"api:1": "sha256:api"}, box("c", "web", "web:2", "sha256:new", "running"), box("d", "worker", "worker:2", "sha256:x", "running"))
	before := was(map[string]string{"web:1": "sha256:old"}, box("b", "web", "web:1", "sha256:old", "running"), box("a", "worker", "api:1", "sha256:api", "running"))
	_, err := Restore(t.Context(), engine, before, "01JD", shop, quiet, nil)
	if want := "the image that web ran is gone, and what runs now was left: pull or build web:1 (old) again"; err == nil || err.Error() != want || s.has() != "shop_web_1 sha256:new running, shop_worker_1 sha256:api running" {
		t.Errorf("%s, %v", s.has(), err)
	}
}

// Deployed the ordinary way, then rolled out with other variables: to go back behind both,
// for one service, removed the instance that the proxy sends to, and did not tell it.
func TestWayBackBehindARolloutTellsTheProxy(t *testing.T) {
	now := box("c", "web", "web:2", "sha256:new", "running")
	now.Name = "shop_web_2"
	engine, s := engineWith(t, map[string]string{"web:1": "sha256:old"}, now, box("p", "proxy", "kamal:1", "sha256:k", "running"))
	older := was(nil, box("a", "web", "web:1", "sha256:old", "running")).Of("web")
	later := was(nil, box("b", "web", "web:2", "sha256:new", "running"))
	later.handed["web"] = &handover{Service: "web", Handed: true, Rollout: core.Rollout{Proxy: "kamal-proxy", Container: "proxy", Name: "web", Port: 80}}
	older.Follow(later.Of("web"))
	Restore(t.Context(), engine, older, "01JD", shop, quiet, nil)
	if got := s.commands(); len(got) != 1 || !strings.Contains(got[0], "--target shop_web_1:80") || !strings.Contains(s.has(), "shop_web_2 sha256:new running") {
		t.Errorf("asked %q; %s", got, s.has())
	}
}
