package core

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/aweigh/aweigh"
)

// maintenance begins a window, changes it, or ends it early.
func (s *State) maintenance(f aweigh.Fact) {
	w := *f.Window
	if !w.Until.After(f.At) {
		if known := s.Windows[w.ID]; known != nil {
			s.endWindow(known, f.At)
		}
		return
	}
	s.Windows[w.ID] = &w
	s.changes.touched["window:"+w.ID] = &w
}

// muted reports whether people are not to be told of a service now.
func (s *State) muted(v *Service, at time.Time) bool {
	for _, w := range s.Windows {
		if w.Until.After(at) && covers(w, v) {
			return true
		}
	}
	return false
}

// windowDue is when a window ends. A watcher that was away then looks around first.
func (s *State) windowDue(w *aweigh.Maintenance) time.Time {
	if looked := s.Engine.Watching.Add(lookAround); w.Until.Before(looked) {
		return looked
	}
	return w.Until
}

// endWindow tells of what is still open. What is well again and waits to be resolved
// is told if it does not stay so.
func (s *State) endWindow(w *aweigh.Maintenance, at time.Time) {
	delete(s.Windows, w.ID)
	s.forget("window:" + w.ID)
	for _, id := range slices.Sorted(maps.Keys(s.Incidents)) {
		n := s.Incidents[id]
		if v := s.Services[n.Key]; v != nil && n.Open() && n.ResolveAt.IsZero() {
			s.unmute(n, v, at, nil)
		}
	}
}

// unmute tells of what nobody was told of for the sake of a window, unless there is
// one still.
func (s *State) unmute(n *Incident, v *Service, at time.Time, l *Life) {
	if !n.Muted || s.muted(v, at) {
		return
	}
	n.Muted = false
	n.Escalated = nil // which nobody heard
	if n.Acknowledged == nil {
		n.arm(s.settingsOf(v), at)
	}
	s.touchIncident(n)
	s.tellOpen(n, at, l)
}

// Arrival is what came up in a project and was not told yet: the services of
// one deployment are one message. What belongs to no project arrives alone.
type Arrival struct {
	Project string `json:"project,omitempty"`
	// Up says of each service how its start went: the last one's, of several instances.
	Up    map[string]string `json:"up"`
	Since time.Time         `json:"since"`
	Last  time.Time         `json:"last"`
}

const (
	arrivalQuiet = 3 * time.Second // after the last one, unless others are still coming up
	arrivalLimit = 5 * time.Minute
)

func (a *Arrival) due() time.Time { return a.Last.Add(arrivalQuiet) }

func (s *State) arrived(i *Instance, v *Service, at time.Time) {
	key := v.Project
	if key == "" {
		key = v.Key // it belongs to nothing
	}
	a := s.Arrivals[key]
	if a == nil || a.Up == nil { // an earlier version stored them otherwise
		a = &Arrival{Project: v.Project, Up: map[string]string{}, Since: at.UTC()}
		s.Arrivals[key] = a
	}
	a.Up[v.Name] = "after " + human(at.Sub(i.Life.began()))
	if i.Life.SeenLate {
		a.Up[v.Name] = "(found up)" // for how long it has been ready nobody saw
	}
	a.Last = at.UTC()
	s.changes.touched["arrival:"+key] = a
}

func (s *State) tellArrival(key string, a *Arrival, now time.Time) {
	if a.Project != "" && now.Sub(a.Since) < arrivalLimit && s.comingUp(a.Project) {
		a.Last = now.UTC()
		s.changes.touched["arrival:"+key] = a
		return
	}
	delete(s.Arrivals, key)
	s.forget("arrival:" + key)
	var each []string
	told := false
	services := slices.Sorted(maps.Keys(a.Up))
	for _, name := range services {
		each = append(each, name+" "+a.Up[name])
		v := s.Services[a.Project+"/"+name]
		told = told || v == nil || !s.muted(v, now)
	}
	if !told {
		return
	}
	what := each[0]
	if len(each) > 1 {
		what = fmt.Sprintf("%d services: %s", len(each), strings.Join(each, ", "))
		if s.whole(a) {
			what = "all " + what
		}
	}
	if a.Project != "" {
		what = a.Project + ": " + what
	}
	s.changes.Notifications = append(s.changes.Notifications, aweigh.Notification{
		ID: aweigh.DerivedID(now, "ready|"+key+a.Since.Format(time.RFC3339Nano)), Occasion: aweigh.OnReady, At: now.UTC(), Host: s.Host,
		Title: "ready: " + what, Services: services, Command: "aweigh starts",
	})
}

// whole reports whether what came up is all that its project is meant to run.
func (s *State) whole(a *Arrival) bool {
	for _, i := range s.Instances {
		if i.Container.Project != a.Project || i.Container.OneOff || i.Settings.Ignore || i.Life == nil || i.Stopped {
			continue
		}
		if a.Up[i.Container.Service] == "" || !i.alive() || !i.Life.Up {
			return false
		}
	}
	return true
}

// comingUp reports whether a start of the project is still open.
func (s *State) comingUp(project string) bool {
	for _, i := range s.Instances {
		if i.Container.Project == project && i.alive() && !i.Life.Up && i.Proof() != ByNone {
			return true
		}
	}
	return false
}

func covers(w *aweigh.Maintenance, v *Service) bool {
	if w.Services == "" {
		return true
	}
	ok, _ := path.Match(w.Services, v.Name)
	return ok
}
