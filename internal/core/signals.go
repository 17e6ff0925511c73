package core

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aweigh/aweigh"
)

// Reading is what is remembered of a business signal.
type Reading struct {
	aweigh.Reading
	At     time.Time `json:"at"`
	Since  time.Time `json:"since,omitzero"` // since when it has been bad
	Reason string    `json:"reason,omitempty"`
	Bad    int       `json:"bad,omitempty"`  // broken readings in a row
	Told   bool      `json:"told,omitempty"` // that it is breached
}

// brokenReadings in a row make a broken query worth telling.
const brokenReadings = 3

// due is when a breach has lasted long enough.
func (r *Reading) due() time.Time {
	if r.Since.IsZero() || r.State != "breached" {
		return time.Time{}
	}
	return r.Since.Add(r.Hold)
}

// reading is one evaluation of a signal.
func (s *State) reading(f aweigh.Fact) {
	v := s.serviceOf(f.Reading)
	if v.Signals == nil {
		v.Signals = map[string]*Reading{}
	}
	r := v.Signals[f.Reading.Name]
	if r == nil {
		r = &Reading{}
		v.Signals[f.Reading.Name] = r
	}
	was := r.State
	*r = Reading{Reading: *f.Reading, At: f.At.UTC(), Reason: f.Reason, Since: r.Since, Bad: r.Bad, Told: r.Told}
	s.touchService(v)
	switch r.State {
	case "ok":
		r.Since, r.Bad, r.Told = time.Time{}, 0, false
		if n := s.openIn(v, r.group()); n != nil {
			s.resolve(n, f.At, "the signal is well again: "+r.values())
		}
	case "breached":
		r.Bad = 0
		if was != "breached" {
			r.Since = f.At.UTC()
		}
		if due(r.due(), f.At) {
			s.breached(v, r, f.At)
		}
	case "gone":
		delete(v.Signals, r.Name)
		if n := s.openIn(v, r.group()); n != nil {
			s.resolve(n, f.At, "the signal is not configured any more")
		}
	case "missing": // and to be ignored: what was believed before is believed still
		r.State = was
	default: // broken
		r.Since = time.Time{}
		if r.Bad++; r.Bad == brokenReadings {
			r.Told = r.Told && s.openIn(v, r.group()) != nil
			s.signalTrouble(v, r, f.At, aweigh.Warning, false, fmt.Sprintf("the signal %s cannot be read (%s, %d times in a row): %s", r.Name, r.State, r.Bad, r.Reason))
		}
	}
}

// breached is a breach that has lasted.
func (s *State) breached(v *Service, r *Reading, at time.Time) {
	r.Since = time.Time{}
	s.touchService(v)
	severity := r.Severity
	if severity == "" {
		severity = aweigh.Critical
	}
	s.signalTrouble(v, r, at, severity, !r.Told, r.Reason)
	r.Told = true
}

// signalTrouble is a signal that is bad, or cannot be read. That it is bad is news
// where it could not be read before, however grave.
func (s *State) signalTrouble(v *Service, r *Reading, at time.Time, severity aweigh.Severity, news bool, summary string) {
	h := happening{group: r.group(), kind: aweigh.SignalKind(r.Name), severity: severity, at: at, summary: summary, settle: time.Minute, news: news}
	if n := s.openIn(v, h.group); n != nil {
		s.add(n, v, h)
		return
	}
	s.open(v, nil, h)
}

func (r *Reading) group() group { return group("signal:" + r.Name) }

func (r *Reading) values() string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(r.Values)) {
		parts = append(parts, name+" "+strconv.FormatFloat(r.Values[name], 'g', 6, 64))
	}
	return strings.Join(parts, ", ")
}

// serviceOf finds the service whose signal it is by the name that a user knows, or
// makes one. It stays the same while others of that name come and go in other
// projects: what is open about it would never be resolved. The copy that a drill made
// is not meant.
func (s *State) serviceOf(r *aweigh.Reading) *Service {
	var found *Service
	for _, key := range slices.Sorted(maps.Keys(s.Services)) {
		v := s.Services[key]
		switch {
		case v.Name != r.Service || v.Drill || strings.HasSuffix(key, oneOff):
		case v.Signals[r.Name] != nil:
			return v
		case found == nil:
			found = v
		}
	}
	if found == nil {
		found = &Service{Key: "/" + r.Service, Name: r.Service}
		s.Services[found.Key] = found
	}
	return found
}
