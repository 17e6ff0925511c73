package deploy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aweigh/aweigh/internal/docker"
)

// refusing is an engine behind a proxy that lets no volumes through, and counts how
// often it was asked for one.
func refusing(t *testing.T) (url string, asked *atomic.Int32) {
	t.Helper()
	asked = new(atomic.Int32)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/_ping") {
			w.Header().Set("Api-Version", "1.41")
			return
		}
		if strings.HasSuffix(r.URL.Path, "/volumes/create") {
			asked.Add(1)
		}
		http.Error(w, "Request forbidden by administrative rules.", http.StatusForbidden)
	}))
	t.Cleanup(s.Close)
	return "tcp://" + s.Listener.Addr().String(), asked
}

// locker is who has a place and a state directory, on the engine that is here.
func locker(t *testing.T, project, place, state string) *engineLock {
	t.Helper()
	engine, err := docker.Open("")
	if err == nil {
		err = engine.Check(t.Context())
	}
	if err != nil {
		if os.Getenv("AWEIGH_TEST_ALL") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	t.Cleanup(func() { engine.Close() })
	return &engineLock{engine, &Stage{Project: project}, holder{By: "ann", Host: "ci-" + place, PID: 7, Since: time.Now(),
		Deployment: "01JD-" + place, State: state, Nonce: "nonce-" + place + "-" + filepath.Base(state), Place: place}}
}

// lockName is a project's name of a test alone, whose volumes are gone when it ends.
func lockName(t *testing.T) string {
	t.Helper()
	project := fmt.Sprintf("%s-%d", strings.ToLower(t.Name()), os.Getpid())
	l := locker(t, project, "cleaner", t.TempDir())
	t.Cleanup(func() { l.engine.RemoveVolume(context.Background(), lockVolume+project) })
	return project
}

func TestEngineLockKeepsOtherPlacesAway(t *testing.T) {
	project := lockName(t)
	volume := lockVolume + project
	a, b := locker(t, project, "a", t.TempDir()), locker(t, project, "b", t.TempDir())
	if err := a.take(t.Context(), volume); err != nil {
		t.Fatal(err)
	}
	err := b.take(t.Context(), volume)
	var held *Held
	if !errors.As(err, &held) || held.By != "ann" || held.Host != "ci-a" || held.Deployment != "01JD-a" || !strings.Contains(err.Error(), "`docker volume rm "+volume+"`") {
		t.Fatalf("got %v", err)
	}
	// What is not ours is left to whose it is.
	if err := b.free(t.Context(), volume); err != nil {
		t.Error(err)
	}
	if err := b.take(t.Context(), volume); !errors.As(err, &held) {
		t.Fatalf("got %v", err)
	}
	if err := a.free(t.Context(), volume); err != nil {
		t.Error(err)
	}
	if err := b.take(t.Context(), volume); err != nil {
		t.Fatal(err)
	}
	if err := b.free(t.Context(), volume); err != nil {
		t.Error(err)
	}
	if labels, err := a.engine.VolumeLabels(t.Context(), volume); err != nil || labels != nil {
		t.Errorf("a volume is left: %v, %v", labels, err)
	}
}

func TestEngineLockOfTheDeadIsTakenOver(t *testing.T) {
	project := lockName(t)
	volume := lockVolume + project
	journal := func(kind, id string) string {
		state := t.TempDir()
		if err := os.MkdirAll(filepath.Join(state, kind, id), 0o700); err != nil {
			t.Fatal(err)
		}
		return state
	}
	for _, c := range []struct {
		what, was, place, state string
		dead                    bool
	}{
		{"in the same place", "a", "a", t.TempDir(), true},
		{"after a reboot, with its journal", "a", "b", journal("deployments", "01JD-a"), true},
		{"after a reboot, with its journal of a resolve", "a", "b", journal("resolutions", "01JD-a"), true},
		{"with the journal of another deployment", "a", "b", journal("deployments", "01JD-b"), false},
		{"where no place is known", "", "", t.TempDir(), false},
	} {
		was := locker(t, project, c.was, t.TempDir())
		if err := was.take(t.Context(), volume); err != nil {
			t.Fatal(err)
		}
		l := locker(t, project, c.place, c.state)
		l.me.Since = time.Unix(0, 0)
		err := l.take(t.Context(), volume)
		if c.dead && err != nil || !c.dead && !errors.As(err, new(*Held)) {
			t.Errorf("%s: got %v", c.what, err)
		}
		if labels, _ := l.engine.VolumeLabels(t.Context(), volume); holderOf(labels).Since.Equal(l.me.Since) != c.dead {
			t.Errorf("%s: the volume names %+v", c.what, holderOf(labels))
		}
		for _, l := range []*engineLock{was, l} {
			if err := l.free(t.Context(), volume); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestVolumeThatIsNoLockIsLeftAlone(t *testing.T) {
	project := lockName(t)
	volume := lockVolume + project
	l := locker(t, project, "a", t.TempDir())
	if _, err := l.engine.MakeVolume(t.Context(), volume, nil); err != nil {
		t.Fatal(err)
	}
	var held *Held
	if err := l.take(t.Context(), volume); !errors.As(err, &held) || !strings.Contains(err.Error(), "by somebody else, who does not say more") {
		t.Errorf("got %v", err)
	}
	if err := l.free(t.Context(), volume); err != nil {
		t.Error(err)
	}
	if labels, err := l.engine.MakeVolume(t.Context(), volume, map[string]string{"a": "b"}); err != nil || labels["a"] != "" {
		t.Errorf("it was removed: %v, %v", labels, err)
	}
}

// One knows by the host that a holder is dead, another by the state directory, and
// others come by that know neither: two of them must never have the lock at once.
func TestOneAloneTakesOver(t *testing.T) {
	project := lockName(t)
	volume := lockVolume + project
	state := t.TempDir()
	if err := os.MkdirAll(filepath.Join(state, "deployments", "01JD-dead"), 0o700); err != nil {
		t.Fatal(err)
	}
	dead := locker(t, project, "dead", state)
	lockers := []*engineLock{locker(t, project, "dead", t.TempDir()), locker(t, project, "b", state)}
	for n := range 4 {
		lockers = append(lockers, locker(t, project, fmt.Sprint("stranger", n), t.TempDir()))
	}
	var taken int
	for round := range 50 {
		dead.me.Nonce = fmt.Sprint("dead", round)
		if err := dead.take(t.Context(), volume); err != nil {
			t.Fatal(err)
		}
		var inside, most atomic.Int32
		var all sync.WaitGroup
		for n, l := range lockers {
			// Each attempt is one of another process.
			l.me.Nonce = fmt.Sprintf("locker%d-%d", n, round)
			l.me.Deployment = l.me.Nonce
			all.Go(func() {
				err := l.take(t.Context(), volume)
				if errors.As(err, new(*Held)) {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
				most.Store(max(most.Load(), inside.Add(1)))
				time.Sleep(10 * time.Millisecond) // what it would do meanwhile
				inside.Add(-1)
				if err := l.free(t.Context(), volume); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if most.Load() > 1 {
			t.Errorf("%d had the lock at once", most.Load())
		}
		taken += int(most.Load())
		if labels, err := dead.engine.VolumeLabels(t.Context(), volume); err != nil || labels != nil {
			t.Fatalf("a volume is left: %v, %v", labels, err)
		}
	}
	if taken < 40 {
		t.Errorf("it was taken over in %d rounds of 50", taken)
	}
}

func TestEngineLockGoesAlthoughItsHolderWasInterrupted(t *testing.T) {
	project := lockName(t)
	ctx, interrupt := context.WithCancel(t.Context())
	plan := Plan{ID: "01JD", Stages: []Stage{{Project: project, EngineID: project}}}
	unlock, err := plan.Lock(ctx, t.TempDir(), "ann", func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	l := locker(t, project, "b", t.TempDir())
	if err := l.take(t.Context(), lockVolume+project); !errors.As(err, new(*Held)) {
		t.Errorf("got %v", err)
	}
	interrupt()
	unlock()
	if labels, err := l.engine.VolumeLabels(t.Context(), lockVolume+project); err != nil || labels != nil {
		t.Errorf("a volume is left: %v, %v", labels, err)
	}
}

// The engine was ended in the middle of a deployment, and does not come back: here one
// that takes each volume, since the one that is here must not be ended.
func TestEngineThatIsGoneWhenItsLockGoesIsAWarning(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/_ping") {
			w.Header().Set("Api-Version", "1.41")
			return
		}
		io.Copy(w, r.Body) // the same labels
	}))
	defer s.Close()
	var warnings []error
	plan := Plan{ID: "01JD", Stages: []Stage{{Project: "shop", Docker: "tcp://" + s.Listener.Addr().String()}}}
	unlock, err := plan.Lock(t.Context(), t.TempDir(), "ann", func(err error) { warnings = append(warnings, err) })
	if err != nil || len(warnings) > 0 {
		t.Fatal(err, warnings)
	}
	s.Close()
	unlock()
	if len(warnings) != 1 || !strings.Contains(warnings[0].Error(), "the lock of project shop stays on its engine") || !strings.Contains(warnings[0].Error(), "does not answer") {
		t.Errorf("got %v", warnings)
	}
}

// Begun with DOCKER_HOST in the environment, and aborted from a shell without it: what had
// run on the one engine was made on another.
func TestPlanNamesTheEngineThatItBeganWith(t *testing.T) {
	url, _ := refusing(t)
	t.Setenv("DOCKER_HOST", url)
	plan := Plan{Stages: []Stage{{Project: "shop"}, {Project: "blog", Docker: url + "/"}}}
	if err := plan.Identify(t.Context(), docker.Open); err != nil {
		t.Fatal(err)
	}
	if got := plan.Stages[0].Docker; got != url {
		t.Errorf("got %q, want %s", got, url)
	}
	if got := plan.Stages[1].Docker; got != url+"/" {
		t.Errorf("one that is said became %q", got)
	}
	engine, err := docker.Open(url)
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	l := &engineLock{engine: engine, stage: &plan.Stages[0]}
	if got := l.remove("v"); got != "docker volume rm v" {
		t.Errorf("got %q", got)
	}
	t.Setenv("DOCKER_HOST", "")
	if got := l.remove("v"); got != "docker --host "+url+" volume rm v" {
		t.Errorf("got %q", got)
	}
}
