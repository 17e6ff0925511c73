package gather

import (
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/diagnose"
	"github.com/aweigh/aweigh/internal/docker"
)

// Options say what to look for. The zero value is good.
type Options struct {
	Port int // that must be served; 0: the one that is published, else exposed
	// Sockets is what only takes a look that is as quick as it gets: no probe of a
	// dependency and no name server is asked.
	Quick bool
}

// Found is what was collected of one start.
type Found struct {
	Service  string
	Instance string    // the container's short id, or the process
	Start    string    // the id of the recorded start, "" if there is none
	Began    time.Time // zero when it never did
	Evidence diagnose.Evidence
	Live     diagnose.Live
	// Notes say what could not be read, and why.
	Notes []string

	Inspection *docker.Inspection // nil without a container
	From       string             // where the output came from
	Cut        int64              // bytes of it that were left out in the middle

	// judged is the cause that was named when it failed, by who saw it live.
	judged *aweigh.Cause
}

// Causes names the causes that the evidence speaks for, best first; never none.
func (f *Found) Causes() []diagnose.Cause {
	f.Evidence.Changed = f.Live.Changed
	causes := diagnose.Weigh(diagnose.Diagnose(f.Evidence), f.Evidence, f.Live)
	if f.Evidence.Runtime == nil || !f.Evidence.Runtime.Running {
		causes = diagnose.Remember(causes, f.Evidence, f.judged)
	}
	return causes
}

func (f *Found) note(text string) { f.Notes = append(f.Notes, text) }
