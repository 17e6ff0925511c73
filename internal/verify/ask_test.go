package verify

import (
	"testing"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/core"
	"github.com/aweigh/aweigh/internal/docker"
)

// A command has no host, which was taken for an address that cannot be reached: a
// service with a probe of that kind was never verified.
func TestACommandIsAskedLikeAnyProbe(t *testing.T) {
	s := core.Defaults()
	s.Probe = "exec:true"
	i := docker.Instance{Container: aweigh.Container{Service: "web", Addr: "172.17.0.2", Published: []int{80}}}
	if a := ask(t.Context(), &Target{Service: "web", Settings: s}, i); !a.ok || a.times != askTimes {
		t.Errorf("got %+v", a)
	}
}
