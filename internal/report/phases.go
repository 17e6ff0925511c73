package report

import (
	"path/filepath"
	"slices"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/record"
)

// mostPhased is of how many starts the phases are looked up: each is a file.
const mostPhased = 500

// addPhases looks up the phases of the newest starts that were proven. starts are
// oldest first.
func addPhases(state string, starts []aweigh.Start) {
	looked := 0
	for n := range slices.Backward(starts) {
		s := &starts[n]
		if s.Record == "" || s.Verdict != aweigh.Ready {
			continue
		}
		if looked++; looked > mostPhased {
			return
		}
		s.Phases = Phases(state, *s)
	}
}

// Phases are those of a start in its record: a watcher's store does not have them.
// state is where the watcher keeps records; that of an aweigh-init in a container
// may be elsewhere. What cannot be read has none.
func Phases(state string, s aweigh.Start) []aweigh.Phase {
	if s.Record == "" {
		return s.Phases
	}
	place := state
	if filepath.IsAbs(s.Record) {
		place = filepath.Dir(filepath.Dir(s.Record))
	}
	dir, err := record.OpenToRead(place)
	if err != nil {
		return s.Phases
	}
	defer dir.Close()
	r, err := dir.Find(filepath.Base(s.Record))
	if err != nil {
		return s.Phases
	}
	return r.Start().Phases
}
