package status

import (
	"testing"

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
