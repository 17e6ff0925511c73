package status

import (
	"testing"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/core"
)

func TestStateIsSaidAsItsStartEnded(t *testing.T) {
	for want, l := range map[string]core.Life{
		"timed-out": {Crash: true, Start: aweigh.Start{Verdict: aweigh.TimedOut}},
		"refused":   {Crash: true, Start: aweigh.Start{Verdict: aweigh.Refused}},
		"crashed":   {Crash: true, Start: aweigh.Start{Verdict: aweigh.Crashed}},
		"coming up": {Alive: true},
	} {
		if got := StateOf(&core.Instance{Life: &l}); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// After tests had failed under `docker compose run web` the service was "crashed".
func TestAServiceStandsAsItsOwnInstancesDo(t *testing.T) {
	now := time.Now()
	of := func(service string, oneOff bool, l core.Life) core.Instance {
		return core.Instance{Container: aweigh.Container{Service: service, OneOff: oneOff}, Life: &l}
	}
	serving := core.Life{Alive: true, Proven: now, Start: aweigh.Start{ID: "S1", Began: now.Add(-time.Hour)}}
	failed := core.Life{Crash: true, Start: aweigh.Start{ID: "S2", Verdict: aweigh.Crashed, Began: now}}
	all := services([]core.Instance{of("web", true, failed), of("web", false, serving), of("web", true, failed), of("shell", true, failed)})
	if len(all) != 2 || all[0].State != "crashed" || all[1].State != "ready" || all[1].Last.ID != "S1" || all[1].Instances != 1 {
		t.Errorf("%+v", all)
	}
}
