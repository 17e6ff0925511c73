package watch

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/core"
	"github.com/aweigh/aweigh/internal/gather"
	"github.com/aweigh/aweigh/internal/record"
)

const (
	// recordsEvery is how often the records that live are looked at: a stat of
	// each, some 2 µs.
	recordsEvery = 100 * time.Millisecond
	// allEvery is how often all directories are looked at, for those of which
	// inotify tells nothing, such as what another machine writes: a stat of
	// each service's.
	allEvery = 20 * time.Second
	// beginWithin is how long a record may take from its directory to its first
	// event, if nobody holds its lock: a full disk takes an event later.
	beginWithin = 10 * time.Second
)

// shelf makes facts of the records that `aweigh run` keeps on this host, so
// that a service without a container is watched like one with.
type shelf struct {
	dir   *record.Dir
	bell  *doorbell // nil where there is none
	tell  func(aweigh.Fact)
	since time.Time // records that ended before are no news

	services map[string]time.Time         // when each one's directory was changed, as last seen
	known    map[string]bool              // starts that are followed, done, or not ours
	begun    map[*record.Record]time.Time // those without an event yet, since when
	live     map[string]*reader
}

// reader follows the events of one record.
type reader struct {
	record *record.Record
	size   int64
	told   int // events
}

// watchRecords follows a record directory until ctx ends. It may come to be
// later.
func watchRecords(ctx context.Context, dir string, since time.Time, tell func(aweigh.Fact)) {
	s := &shelf{tell: tell, since: since, services: map[string]time.Time{}, known: map[string]bool{},
		begun: map[*record.Record]time.Time{}, live: map[string]*reader{}}
	defer s.close()
	timer := time.NewTimer(0)
	defer timer.Stop()
	var looked time.Time // at all
	for {
		var rung chan struct{}
		if s.bell != nil {
			rung = s.bell.rung
		}
		select {
		case <-ctx.Done():
			return
		case <-rung:
		case <-timer.C:
		}
		if !s.open(dir) {
			timer.Reset(time.Second)
			continue
		}
		if s.bell == nil || time.Since(looked) >= allEvery {
			looked = time.Now()
			s.lookAtAll()
		}
		s.look()
		pause := allEvery
		if s.bell == nil || len(s.live)+len(s.begun) > 0 {
			pause = recordsEvery
		}
		timer.Reset(pause)
	}
}

// open opens the directory once it is there.
func (s *shelf) open(dir string) bool {
	if s.dir != nil {
		return true
	}
	var err error
	if s.dir, err = record.OpenToRead(dir); err != nil {
		s.dir = nil
		return false
	}
	s.bell, _ = newDoorbell(dir) // else all is looked at, often
	return true
}

func (s *shelf) close() {
	if s.bell != nil {
		s.bell.close()
	}
	if s.dir != nil {
		s.dir.Close()
	}
}

// lookAtAll finds what is new in any service's directory.
func (s *shelf) lookAtAll() {
	services, err := s.dir.Services()
	if err != nil {
		return
	}
	for _, service := range services {
		info, err := os.Stat(filepath.Join(s.dir.Path(), service))
		if err != nil || info.ModTime().Equal(s.services[service]) {
			continue
		}
		if s.bell != nil {
			s.bell.add(s.dir.Path(), service) // before it is read, so that nothing comes between
		}
		s.services[service] = info.ModTime()
		s.lookAt(service)
	}
}

// lookAt finds new records of a service.
func (s *shelf) lookAt(service string) {
	records, _ := s.dir.Records(service)
	for _, r := range records[max(0, len(records)-100):] {
		s.take(r)
	}
}

// look finds what the bell has rung for, and what is new in the records that
// live.
func (s *shelf) look() {
	if s.bell != nil {
		changed := s.bell.take()
		if changed[""] { // a service that was not there before
			s.lookAtAll()
		}
		for service := range changed {
			if service != "" {
				s.lookAt(service)
			}
		}
	}
	begun := s.begun
	s.begun = map[*record.Record]time.Time{}
	for r, since := range begun {
		if time.Since(since) < beginWithin || r.Live() {
			s.takeSince(r, since)
		}
	}
	for id, r := range s.live {
		if s.follow(r) {
			delete(s.live, id)
		}
	}
}

// take begins to follow a record, unless it is a watcher's own or old.
func (s *shelf) take(r *record.Record) {
	if !s.known[r.ID()] {
		s.takeSince(r, time.Now())
	}
}

// takeSince is take for a record that has been there since then. Its directory
// is there before its first event is.
func (s *shelf) takeSince(r *record.Record, since time.Time) {
	s.known[r.ID()] = true
	events, _ := r.Events()
	if len(events) == 0 {
		s.begun[r] = since
		return
	}
	last := events[len(events)-1].Time
	if events[0].Engine != "" || !r.Live() && last.Before(s.since) {
		return
	}
	s.live[r.ID()] = &reader{record: r}
}

// follow tells what is new in a record. It reports whether that was the last.
func (s *shelf) follow(r *reader) (done bool) {
	info, err := os.Stat(filepath.Join(s.dir.Path(), r.record.Name, "events.jsonl"))
	if err != nil {
		s.tell(aweigh.Fact{Kind: aweigh.FactRemoved, At: time.Now().UTC(), Instance: instanceOf(r.record)})
		return true
	}
	live := r.record.Live() // before the events are read: what comes after is told the next time
	if info.Size() == r.size && live {
		return false
	}
	r.size = info.Size()
	events, _ := r.record.Events()
	for n := r.told; n < len(events); n++ {
		if failed(events[n]) && (events[n].Cause == nil || events[n].Cause.Confidence < sureOfItself) {
			if c := gather.CauseOf(s.dir, r.record); c.Named() {
				events[n].Cause = c
			}
		}
		for k, f := range factsOf(r.record, events[n], events[0]) {
			f.ID = fmt.Sprintf("record/%s/%d/%d", r.record.ID(), n, k)
			s.tell(f)
		}
	}
	r.told = max(r.told, len(events))
	if live {
		return false
	}
	// Whatever has ended without a word has ended unseen; what has told its end
	// is not hurt by this.
	s.tell(aweigh.Fact{Kind: aweigh.FactRemoved, At: time.Now().UTC(), Instance: instanceOf(r.record)})
	return true
}

// sureOfItself is from which confidence on the word of a supervisor is taken,
// which knows all but what its service has printed.
const sureOfItself = 0.9

func failed(e record.Event) bool {
	return e.Event == record.StartFailed && e.Verdict.Failed() ||
		e.Event == record.RunExit && (e.End == aweigh.RunCrashed || e.End == aweigh.RunOOMKilled)
}

func instanceOf(r *record.Record) string { return "run:" + r.ID() }

// factsOf are the facts that an event of a record tells.
func factsOf(r *record.Record, e, begin record.Event) []aweigh.Fact {
	f := aweigh.Fact{At: e.Time.UTC(), Instance: instanceOf(r), Reason: e.Reason, Lines: e.LastLog, Cause: e.Cause}
	f.Said = &aweigh.Said{Event: e.Event, Start: r.ID(), Verdict: e.Verdict, TookMS: e.ElapsedMS}
	if e.Probe != nil {
		f.Said.Target = e.Probe.Target
	}
	died := f
	died.Kind, died.Exit, died.Said = aweigh.FactDied, e.Exit, nil
	died.Reason = record.LastWords(e.LastLog) // the rest of its own sentence the fold says itself
	signalled := aweigh.Fact{Kind: aweigh.FactSignalled, At: f.At, Instance: f.Instance, Signal: "SIGTERM"}
	switch e.Event {
	case record.StartBegin:
		f.Kind = aweigh.FactStarted
		f.Container = &aweigh.Container{ID: f.Instance, Name: begin.Instance, Service: path.Dir(r.Name), Status: "running", Started: f.At,
			Policy: core.UnknownPolicy, AutoRemove: true, Supervised: true, Patience: time.Duration(begin.Deadline)*time.Millisecond + time.Minute}
		return []aweigh.Fact{f}
	case record.StartReady, record.StartSlow, record.RunUnhealthy, record.RunHealthy, record.RunOOM:
		f.Kind = aweigh.FactSaid
		return []aweigh.Fact{f}
	case record.RunStopping:
		return []aweigh.Fact{signalled}
	case record.StartFailed:
		f.Kind = aweigh.FactSaid
		switch e.Verdict {
		case aweigh.Stopped:
			return []aweigh.Fact{signalled, died}
		case aweigh.Crashed:
			return []aweigh.Fact{died}
		}
		return []aweigh.Fact{f, died}
	case record.RunExit:
		if slices.Contains([]aweigh.RunEnd{aweigh.RunStopped, aweigh.RunReplaced}, e.End) {
			return []aweigh.Fact{signalled, died}
		}
		return []aweigh.Fact{died}
	}
	return nil
}
