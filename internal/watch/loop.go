package watch

import (
	"context"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/config"
	"github.com/aweigh/aweigh/internal/core"
	"github.com/aweigh/aweigh/internal/notify"
	"github.com/aweigh/aweigh/internal/record"
	"github.com/aweigh/aweigh/internal/store"
)

const (
	// batchFacts is how many facts share a transaction, and with it the wait
	// for the disk.
	batchFacts = 512
	// inboxEvery is how often the store is asked for what people's commands
	// have left there; the question costs some 10 µs.
	inboxEvery = 500 * time.Millisecond
	// beatEvery is how often it is noted that the watcher is there.
	beatEvery = 20 * time.Second
	// retainEvery is how often what is too old is removed.
	retainEvery = time.Hour
	// commitRetry is the pause after the disk has refused a transaction.
	commitRetry = time.Second
	// chatterEvery is how often that services have talked is stored, if there is
	// nothing else to store it with: each of hundreds says so twice a minute.
	chatterEvery = 5 * time.Second
	// maxBatch bounds what is kept in memory while the disk refuses.
	maxBatch = 100_000
)

// loop folds facts in until ctx ends, and what is left of them then.
func (w *watcher) loop(ctx context.Context) error {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	inbox := time.NewTicker(inboxEvery)
	defer inbox.Stop()
	beats := time.NewTicker(beatEvery)
	defer beats.Stop()
	retain := time.NewTicker(retainEvery)
	defer retain.Stop()
	l := &ledger{watcher: w, seen: map[string]uint64{}}
	l.moved = true
	var next time.Time
	for {
		w.beat.Store(time.Now().UnixNano())
		l.lookAtClock(ctx)
		if l.moved {
			next, l.moved = w.state.Next(), false
		}
		switch {
		case l.refused():
			timer.Reset(commitRetry)
		case w.looking:
			timer.Reset(liveWithin)
		case next.IsZero():
			timer.Reset(time.Hour)
		default:
			timer.Reset(max(0, time.Until(next)))
		}
		select {
		case <-w.facts.wake:
			for _, f := range w.facts.take(batchFacts) {
				l.fold(ctx, f)
			}
		case <-timer.C:
			if now := time.Now(); !w.looking && !next.IsZero() && !next.After(now) {
				l.tick(ctx, now)
			}
		case <-inbox.C:
			l.readInbox(ctx)
		case <-beats.C:
			w.store.Beat(ctx, time.Now()) // a disk that refuses is told of where facts are stored
		case <-retain.C:
			w.retain(ctx)
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			for facts := w.facts.take(batchFacts); len(facts) > 0; facts = w.facts.take(batchFacts) {
				for _, f := range facts {
					l.fold(last, f)
				}
			}
			w.store.Beat(last, time.Now())
			l.pressing = true
			return l.commit(last)
		}
		if err := l.commit(ctx); err != nil && ctx.Err() == nil {
			l.complain(err)
		}
	}
}

// resume takes up the lives that an earlier watcher left.
func (w *watcher) resume(ctx context.Context) {
	for _, i := range w.state.Instances {
		if i.Life != nil && i.Life.Alive && w.Engine != nil && !keepsItself(i) {
			w.evidence.keepUp(ctx, i)
		}
	}
	w.evidence.there = time.Time{}
}

// keepsItself reports whether it is a service under `aweigh run`, which keeps its own
// record, and asks itself.
func keepsItself(i *core.Instance) bool { return i.Container.Engine == "" }

// ledger collects what one transaction is to store.
type ledger struct {
	*watcher
	batch   store.Batch
	failing time.Time // since when the disk refuses
	tried   time.Time
	// seen are the rows that inspections left, by their keys.
	seen map[string]uint64
	// moved says that what is due next may have become due earlier.
	moved bool
	// clock is when it was looked at the clock last.
	clock time.Time
	// pressing says that the batch has more in it than chatter.
	pressing bool
}

// idle reports whether a fact is an inspection that changed nothing: there is
// one of each container each minute.
func (l *ledger) idle(f aweigh.Fact, c core.Changes) bool {
	if f.Kind != aweigh.FactSeen || len(c.Starts)+len(c.Incidents)+len(c.Notifications) > 0 {
		return false
	}
	same := true
	for key, row := range c.Rows {
		h := fnv.New64a()
		h.Write(row)
		if sum := h.Sum64(); l.seen[key] != sum {
			l.seen[key], same = sum, false
		}
	}
	return same
}

// tick lets time pass. Those that it judges are looked at first, beside the
// fold, and the tick comes as a fact with what was found.
func (l *ledger) tick(ctx context.Context, now time.Time) {
	tick, due := aweigh.Fact{Kind: aweigh.FactTick, At: now.UTC()}, l.state.Due(now)
	if len(due) == 0 {
		l.fold(ctx, tick)
		return
	}
	l.looking = true
	l.looks.Go(func() {
		tick.Tails, tick.Causes = l.evidence.tails(due), l.evidence.causes(ctx, due)
		l.facts.add(tick)
	})
}

// lookAtClock finds out whether the clock was set, or the machine slept, since
// the last look.
func (l *ledger) lookAtClock(ctx context.Context) {
	now, before := steady(), l.clock
	l.clock = now
	if before.IsZero() {
		return
	}
	step := stepBetween(before, now)
	if step.Abs() < leastStep {
		return
	}
	l.Log.Warn(fmt.Sprintf("the clock was set by %s, or this machine slept: what waited goes on to wait as long as it was to", step.Round(time.Millisecond)), "event", "clock.stepped")
	l.fold(ctx, aweigh.Fact{Kind: aweigh.FactStepped, At: now.UTC(), Step: step})
}

// stepBetween is how far the clock on the wall went beyond what has passed.
func stepBetween(before, now time.Time) time.Duration {
	return now.Round(0).Sub(before.Round(0)) - now.Sub(before)
}

// steady is the time. Both of its clocks are read one after the other, and a
// thread may be made to wait in between: that must not look like a step.
func steady() time.Time {
	for now := time.Now(); ; {
		again := time.Now()
		if stepBetween(now, again).Abs() < leastStep/10 {
			return again
		}
		now = again
	}
}

// leastStep is what a clock may be set by without anybody noticing. What keeps a
// clock right (NTP) moves it by less than half a millisecond a second.
const leastStep = time.Second

// fold folds one fact in, and does what follows from it.
func (l *ledger) fold(ctx context.Context, f aweigh.Fact) {
	if f.Kind != aweigh.FactStepped {
		l.lookAtClock(ctx)
	}
	if f.Kind == aweigh.FactTick {
		l.looking, l.moved = false, true
		if now := time.Now().UTC(); f.At.After(now) {
			f.At = now // the clock was set back while it was on its way
		}
	}
	c := l.state.Apply(f)
	if len(c.Rows) == 0 && len(c.Starts) == 0 && len(c.Notifications) == 0 {
		return // it was known already
	}
	l.metrics.Observe(l.state, f, c)
	l.traces.observe(l.state, c)
	if l.idle(f, c) {
		return
	}
	if f.Kind != aweigh.FactTalked || len(c.Incidents) > 0 { // chatter puts off what is due
		l.moved, l.pressing = true, true
	}
	if f.Kind != aweigh.FactTick && f.Kind != aweigh.FactTalked { // time and chatter are not history
		l.batch.Facts = append(l.batch.Facts, f)
	}
	l.batch.Changes = append(l.batch.Changes, c)
	for _, n := range c.Notifications {
		l.say(n)
		l.address(n)
	}
	for key, row := range c.Rows {
		if row == nil {
			delete(l.seen, key)
		}
		if id, ok := strings.CutPrefix(key, "instance:"); ok {
			l.keepUp(ctx, id)
		}
	}
	for _, id := range c.Brake {
		l.brake(ctx, id)
	}
}

// keepUp lets the asking and the recording follow what an instance does.
func (l *ledger) keepUp(ctx context.Context, id string) {
	i := l.state.Instances[id]
	if i == nil {
		l.probers.forget(id)
		l.evidence.forget(id)
		return
	}
	if keepsItself(i) {
		return
	}
	l.evidence.keepUp(ctx, i)
	l.probers.keepUp(ctx, i)
}

// brake has a container stopped, beside the fold.
func (l *ledger) brake(ctx context.Context, id string) {
	engine, log := l.Engine, l.Log
	go func() {
		if err := engine.Stop(ctx, id); err != nil {
			log.Error(fmt.Sprintf("the looping container %.12s could not be stopped: %v", id, err), "event", "warning")
		}
	}()
}

// commit stores what was collected, and wakes those who deliver.
func (l *ledger) commit(ctx context.Context) error {
	b := &l.batch
	switch since := time.Since(l.tried); {
	case len(b.Changes) == 0 && len(b.Inbox) == 0, l.refused() && since < commitRetry:
		return nil
	case !l.pressing && len(b.Inbox) == 0 && since < chatterEvery && ctx.Err() == nil:
		return nil
	}
	l.tried = time.Now()
	b.Letters = l.mail.unsent(b.Letters)
	if err := l.store.Commit(ctx, *b); err != nil {
		return err
	}
	if err := l.mail.stored(ctx); err != nil {
		l.Log.Error(err.Error(), "event", "warning")
	}
	if l.refused() {
		l.Log.Info(fmt.Sprintf("the store takes facts again, after %s", time.Since(l.failing).Round(time.Second)), "event", "store.again")
		l.failing = time.Time{}
	}
	letters := len(b.Letters) > 0
	*b, l.pressing, l.moved = store.Batch{}, false, true
	l.changed()
	if letters {
		l.deliver.Wake()
	}
	return nil
}

func (l *ledger) refused() bool { return !l.failing.IsZero() }

// complain is about a disk that refuses. What is known stays in memory until
// it does not, and people are told from there.
func (l *ledger) complain(err error) {
	if l.failing.IsZero() {
		l.failing = time.Now()
		l.Log.Error(err.Error(), "event", "warning")
		n := aweigh.Notification{ID: aweigh.NewID(l.failing), Occasion: aweigh.OnWatching, At: l.failing.UTC(), Host: l.Host,
			Title:  fmt.Sprintf("the watcher cannot store what it sees: %v", err),
			Advice: "Make room, or mend the disk. What happens meanwhile is kept in memory and told all the same; a restart of the watcher would lose it."}
		l.address(n)
	}
	if l.mail.hold(l.batch.Letters) {
		l.deliver.Wake()
	}
	if n := len(l.batch.Facts); n > maxBatch {
		l.batch.Facts = l.batch.Facts[n-maxBatch:]
	}
	l.batch.Changes = []core.Changes{latest(l.batch.Changes)}
}

// latest is what changes amount to: what changed several times is there once, as it is
// now. Hundreds of services that talk would fill the memory else, before a disk does.
func latest(all []core.Changes) core.Changes {
	rows, starts, incidents := map[string][]byte{}, map[string]aweigh.Start{}, map[string]aweigh.Incident{}
	for _, c := range all {
		maps.Copy(rows, c.Rows)
		for _, start := range c.Starts {
			starts[start.ID] = start
		}
		for _, n := range c.Incidents {
			incidents[n.ID] = n
		}
	}
	return core.Changes{Rows: rows, Starts: slices.Collect(maps.Values(starts)), Incidents: slices.Collect(maps.Values(incidents))}
}

// address puts a notification into the letters of the routes that it takes.
func (l *ledger) address(n aweigh.Notification) {
	for _, r := range l.Routes {
		if notify.Matches(r, &n) {
			l.batch.Letters = append(l.batch.Letters, store.Letter{Route: r.Name, Notification: n})
		}
	}
}

// readInbox folds what people's commands have left.
func (l *ledger) readInbox(ctx context.Context) {
	version, err := l.store.Version(ctx)
	if err != nil || version == l.version {
		return
	}
	ids, facts, err := l.store.Inbox(ctx)
	if err != nil {
		return // the next look finds the same version
	}
	l.version = version
	l.deliver.Wake() // a deployment may have left letters
	for n, f := range facts {
		if slices.Contains(l.batch.Inbox, ids[n]) {
			continue // it is folded, and the disk has refused it
		}
		l.batch.Inbox = append(l.batch.Inbox, ids[n])
		l.fold(ctx, f)
	}
}

// say logs what people are told, for those who read the watcher's own log.
func (l *ledger) say(n aweigh.Notification) {
	attrs := []any{"event", "notification", "occasion", string(n.Occasion)}
	if n.Incident != nil {
		attrs = append(attrs, "incident", n.Incident.ID, "kind", string(n.Incident.Kind), "service", n.Incident.Service)
	}
	if n.Occasion == aweigh.OnReady || n.Occasion == aweigh.OnResolved {
		l.Log.Info(n.Title, attrs...)
	} else {
		l.Log.Warn(n.Title, attrs...)
	}
}

// retain removes what is too old in the store, in small steps.
func (w *watcher) retain(ctx context.Context) {
	if err := w.store.Retain(ctx, time.Now(), w.Config.Config.Watch.Keep); err != nil && ctx.Err() == nil {
		w.Log.Error(err.Error(), "event", "warning")
	}
}

// tidy removes the records that are too many or too old, beside the fold: a slow disk
// takes its time to find out which.
func (w *watcher) tidy(ctx context.Context) {
	every := time.NewTicker(retainEvery)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
			w.tidyRecords(ctx)
		}
	}
}

func (w *watcher) tidyRecords(ctx context.Context) {
	dir, err := record.OpenToRead(w.State)
	if err != nil {
		return
	}
	defer dir.Close()
	services, _ := dir.Services()
	limits := recordLimits(w.Config.Config.Watch, len(services))
	for _, service := range services {
		if ctx.Err() != nil {
			return
		}
		dir.Tidy(service, limits, time.Now())
	}
}

// recordLimits bound the records of one of so many services: keep_bytes is for
// all of them together, and none gets more than its share.
func recordLimits(c config.Watch, services int) record.Limits {
	return record.Limits{Count: 50, Bytes: min(4*recordBytes, c.KeepBytes/int64(max(1, services))), Age: c.Keep}
}
