package watch

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/core"
	"github.com/aweigh/aweigh/internal/docker"
	"github.com/aweigh/aweigh/internal/gather"
	"github.com/aweigh/aweigh/internal/record"
)

// evidence follows the output of all containers into records, one a start,
// for what a container printed goes with it.
type evidence struct {
	engine  *docker.Engine
	dir     string // of the records
	keep    int64  // bytes of one record
	version string
	tell    func(aweigh.Fact)
	log     *slog.Logger
	// silence is how long the output of a service may pause; 0 if nobody asks.
	silence func(c *aweigh.Container) time.Duration

	// look is gather.Container.
	look func(ctx context.Context, e *docker.Engine, id string, o gather.Options) (*gather.Found, error)

	// reading goes on for a moment after the watcher has ended: what the last
	// deaths left behind is read to its end.
	reading     context.Context
	stopReading context.CancelFunc
	running     sync.WaitGroup

	// there is until when an earlier watcher was there, who has followed the lives that
	// it knew; zero once they are taken up. It belongs to the fold's goroutine.
	there time.Time

	mu     sync.Mutex
	tapes  map[string][]*tape     // by instance, oldest first
	died   map[string][]time.Time // when an instance died lately, oldest first
	oom    map[string]time.Time   // when the kernel killed a process of an instance last
	warned map[string]bool        // services whose output cannot be kept
	stuck  map[string]bool        // instances at which a look hangs
}

// begin begins to follow a container the moment that its start is known, before
// that is folded: a container that dies at once must not be quicker.
func (e *evidence) begin(ctx context.Context, c *aweigh.Container, began, until time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, t := range e.tapes[c.ID] {
		first, second := t.began, began
		if second.Before(first) {
			first, second = second, first
		}
		if e.lastDeath(c.ID, second).Before(first) {
			return // an inspection was quicker than the event: it is of the same life
		}
	}
	if until.IsZero() {
		until = e.firstDeath(c.ID, began)
	}
	e.follow(ctx, c, began, e.after(c, began), until, false)
	slices.SortStableFunc(e.tapes[c.ID], func(a, b *tape) int { return a.began.Compare(b.began) })
}

// spanOf is what is asked for of the output of a life.
func spanOf(began, since, until time.Time, tail int) docker.Span {
	if tail == 0 && time.Since(began) > time.Minute { // it may have printed for weeks before we came
		tail = docker.MostLines
	}
	return docker.Span{Since: since, Until: until, Follow: until.IsZero(), Tail: tail}
}

// after is from when on the output of a life is to be read that began at this
// time. Of a death that was heard of the inspection may not know yet. e.mu is
// held.
func (e *evidence) after(c *aweigh.Container, began time.Time) time.Time {
	if died := e.lastDeath(c.ID, began); !died.IsZero() {
		return died.Add(time.Nanosecond)
	}
	return docker.OutputFrom(c, began)
}

// follow starts a tape. late says that the life has begun a while ago, and may be over.
// e.mu is held.
func (e *evidence) follow(ctx context.Context, c *aweigh.Container, began, since, until time.Time, late bool) *tape {
	own := *c // the fold goes on to write to it
	c = &own
	t := &tape{began: began, late: late, since: since, supervised: c.Supervised, beside: e.running.Go, done: make(chan struct{}), dead: make(chan struct{}), room: make(chan struct{})}
	t.heard = func(s said, at time.Time) {
		if text := s.end(); text != "" {
			t.mu.Lock()
			t.said, t.cause = text, s.cause()
			t.mu.Unlock()
		}
		if f, ok := s.fact(c.ID, at); ok {
			if f.Said.Event == "run.unhealthy" || f.Said.Event == "run.oom" {
				f.Lines, _ = t.lines()
			}
			t.tell(f)
		}
	}
	t.told = e.tell
	every := e.silence(c) / 10
	var told time.Time
	t.talked = func(at time.Time) {
		if every > 0 && at.Sub(told) >= every {
			told = at
			t.tell(aweigh.Fact{Kind: aweigh.FactTalked, At: at.UTC(), Instance: c.ID})
		}
	}
	t.state = func() []byte { return e.engine.LastState(c.ID) }
	e.tapes[c.ID] = append(e.tapes[c.ID], t)
	if c.Unreadable != "" {
		e.warnOnce(c.Service, c.Unreadable)
		close(t.done)
		return t
	}
	t.open = func(ctx context.Context, since, until time.Time, tail int) (io.ReadCloser, bool, error) {
		stream, err := e.engine.Logs(ctx, c.ID, spanOf(began, since, until, tail))
		return stream, !e.engine.HasTerminal(c.ID), err
	}
	t.endOf = func(ctx context.Context) (time.Time, error) { return e.engine.EndOf(ctx, c.ID, began) }
	service := c.Service
	reading, stop := context.WithCancel(ctx)
	t.stop = stop
	e.running.Go(func() {
		defer stop()
		t.run(reading, until, func(err error) {
			e.mu.Lock()
			defer e.mu.Unlock()
			e.warnOnce(service, err.Error())
		})
	})
	if until.IsZero() {
		e.running.Go(func() { e.lookAgain(ctx, c.ID, t) })
	}
	return t
}

// againAfter is when the output of a life is read once more, lest its first
// words wait for the next ones.
var againAfter = []time.Duration{2 * time.Second, 8 * time.Second}

func (e *evidence) lookAgain(ctx context.Context, id string, t *tape) {
	for _, d := range againAfter {
		select {
		case <-ctx.Done():
			return
		case <-t.dead:
			return
		case <-time.After(d):
		}
		t.catchUp(ctx, time.Now())
	}
}

// warnOnce warns of a service whose output cannot be kept. e.mu is held.
func (e *evidence) warnOnce(service, why string) {
	if e.warned[service] {
		return
	}
	e.warned[service] = true
	e.log.Warn(fmt.Sprintf("the output of %s cannot be kept: %s", service, why), "event", "warning", "service", service)
}

// lastWait is how long a death waits for the rest of the output, so that the
// message of it has the line that says why. Most have a few lines, which is a
// matter of milliseconds; a machine with ten things to do needs more.
const lastWait = 500 * time.Millisecond

// firstReading is how long the first reading may take to end before it counts as
// one that stands still.
const firstReading = 200 * time.Millisecond

// ended keeps when an instance died: the output of its next life comes after.
func (e *evidence) ended(id string, at time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.died[id] = append(e.died[id], at); len(e.died[id]) > 8 {
		e.died[id] = e.died[id][1:]
	}
	for _, t := range e.tapes[id] {
		if !t.began.After(at) {
			t.die(at)
		}
	}
}

// lastDeath is when an instance died last before a moment; zero if that is not
// known. The death that ends the life which began then may be known already.
// e.mu is held.
func (e *evidence) lastDeath(id string, before time.Time) time.Time {
	for _, at := range slices.Backward(e.died[id]) {
		if at.Before(before) {
			return at
		}
	}
	return time.Time{}
}

// firstDeath is when an instance died first since a moment; zero if that is not known.
// e.mu is held.
func (e *evidence) firstDeath(id string, since time.Time) time.Time {
	for _, at := range e.died[id] {
		if !at.Before(since) {
			return at
		}
	}
	return time.Time{}
}

// catchUpWithin is how long the output of a dead container may be read again,
// which its record waits for: the engine answers when it has tidied up after the
// death, on a busy machine many seconds later.
const catchUpWithin = time.Minute

// atTheEnd is how much of that is left when the watcher ends.
const atTheEnd = 2 * time.Second

// last are the last lines of an instance that died at this time, and why it
// did in its own words, as far as they tell.
func (e *evidence) last(id string, at time.Time) (lines []string, why string) {
	e.mu.Lock()
	var t *tape
	for _, one := range e.tapes[id] { // the next life may have begun already
		if !one.began.After(at) {
			t = one
		}
	}
	e.mu.Unlock()
	if t == nil {
		return nil, ""
	}
	t.die(at)
	whole := make(chan struct{})
	t.mu.Lock()
	t.ending = whole
	t.mu.Unlock()
	e.running.Go(func() {
		defer close(whole)
		// The first reading ends when the engine has tidied up after the death.
		// Until then a second one would have to wait for that, and for longer.
		select {
		case <-t.done:
		case <-time.After(firstReading):
		}
		ctx, cancel := context.WithTimeout(e.reading, catchUpWithin)
		defer cancel()
		t.readEnd(ctx, at)
	})
	select {
	case <-whole:
	case <-time.After(lastWait):
	}
	return t.lines()
}

// tail are the last lines so far of an instance that lives.
func (e *evidence) tail(id string) []string {
	e.mu.Lock()
	var t *tape
	if n := len(e.tapes[id]); n > 0 {
		t = e.tapes[id][n-1]
	}
	e.mu.Unlock()
	if t == nil {
		return nil
	}
	lines, _ := t.lines()
	return lines
}

func (e *evidence) tails(ids []string) map[string][]string {
	all := map[string][]string{}
	for _, id := range ids {
		if lines := e.tail(id); len(lines) > 0 {
			all[id] = lines
		}
	}
	return all
}

// keepUp brings the records of an instance's lives to what the fold says of
// them.
func (e *evidence) keepUp(ctx context.Context, i *core.Instance) {
	for _, l := range []*core.Life{i.Before, i.Life} {
		if l == nil {
			continue
		}
		e.mu.Lock()
		t := e.tapeOf(i.ID, l)
		switch {
		case t != nil:
		case l.Start.Verdict == aweigh.Refused && !e.recorded(l):
			t = e.blank(i.ID, l.Start.Began)
		case l.Alive:
			t = e.follow(ctx, &i.Container, l.Start.Began, e.since(&i.Container, l), time.Time{}, true)
		}
		e.mu.Unlock()
		if t == nil {
			continue
		}
		if t.start == "" {
			t.start = l.Start.ID
			if isDir(i.Container.Records) {
				t.attach(nil) // aweigh-init inside keeps the record, and Start.Record says where
				continue
			}
			t.attach(record.Resume(e.dir, e.beginning(i, l), l.Start.Began, e.keep, func(text string) {
				e.log.Warn(text, "event", "warning", "service", l.Start.Service)
			}))
			e.keepShape(i.ID, l, t)
		}
		t.write(l)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.tapes[i.ID] = slices.DeleteFunc(e.tapes[i.ID], func(t *tape) bool { return t.written == closed })
}

func isDir(path string) bool {
	if path == "" {
		return false
	}
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// blank is the tape of a start that never came to print anything: its record
// says why. e.mu is held.
func (e *evidence) blank(id string, began time.Time) *tape {
	t := &tape{began: began, beside: e.running.Go, done: make(chan struct{}), dead: make(chan struct{}), room: make(chan struct{})}
	close(t.done)
	e.tapes[id] = append(e.tapes[id], t)
	return t
}

// recorded reports whether a life has a record already.
func (e *evidence) recorded(l *core.Life) bool {
	_, err := os.Stat(filepath.Join(e.dir, l.Start.Service, l.Start.ID))
	return err == nil
}

// tapeOf finds the tape of a life: the one that is known to be, else the oldest
// whose beginning lies within the life. e.mu is held.
func (e *evidence) tapeOf(id string, l *core.Life) *tape {
	for _, t := range e.tapes[id] {
		if t.start == l.Start.ID {
			return t
		}
	}
	for _, t := range e.tapes[id] {
		if t.start == "" && !t.began.Before(l.Start.Began) && (l.Alive || !t.began.After(l.Ended)) {
			return t
		}
	}
	return nil
}

// since is from when on the output of a life is to be read that an inspection
// found, or an earlier watcher followed: from its beginning, or from where that
// watcher had come to. A second twice is better than a line never. e.mu is held.
func (e *evidence) since(c *aweigh.Container, l *core.Life) time.Time {
	beginning := e.after(c, l.Start.Began)
	if e.there.After(l.Start.Began) && e.there.Before(time.Now()) { // the clock may have been set back
		beginning = e.there.Add(-time.Second) // it has no record of ours
	}
	dir, err := record.OpenToRead(e.dir)
	if err != nil {
		return beginning
	}
	defer dir.Close()
	r, err := dir.Find(l.Start.ID)
	if err != nil {
		return beginning
	}
	last := l.Start.Began
	for _, f := range r.Files() {
		if f.ModTime().After(last) && f.Name() != "events.jsonl" {
			last = f.ModTime()
		}
	}
	if last.After(l.Start.Began) {
		return last.Add(-time.Second)
	}
	return beginning
}

// forget drops what is known of an instance that is gone.
func (e *evidence) forget(id string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, t := range e.tapes[id] {
		t.finish()
	}
	delete(e.tapes, id)
	delete(e.died, id)
	delete(e.oom, id)
}

func (e *evidence) beginning(i *core.Instance, l *core.Life) record.Event {
	c := &i.Container
	return record.Event{Time: l.Start.Began, Start: l.Start.ID, Service: l.Start.Service, Instance: l.Start.Instance, Host: l.Start.Host, Engine: c.Engine,
		Project: l.Start.Project, Image: c.Image, Deadline: i.Settings.StartupTimeout.Milliseconds(), BootID: record.BootID(), Version: e.version}
}

// close ends all records that are still open, as those of services which go on.
func (e *evidence) close() {
	hurry := time.AfterFunc(atTheEnd, e.stopReading)
	defer hurry.Stop()
	e.running.Wait()
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, tapes := range e.tapes {
		for _, t := range tapes {
			if t.written != closed {
				t.state = nil // those that go on have no end yet
				t.finish()
			}
			t.recorder().Close(2 * time.Second)
		}
	}
}
