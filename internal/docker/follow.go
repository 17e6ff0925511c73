package docker

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"sync"
	"time"

	"github.com/moby/moby/api/types/events"
	"github.com/moby/moby/client"

	"github.com/aweigh/aweigh"
)

const (
	// lanes is how many containers are inspected at once. The facts of one
	// container stay in their order. They are many, for the engine answers
	// nothing about a container while it starts it.
	lanes = 64
	// inspectEvery is how often everything is inspected although the stream of
	// events never broke.
	inspectEvery = time.Minute
	maxRetry     = 2 * time.Second
	// settle is how long an inspection waits to be told: it shows what some
	// events have done that are still on their way.
	settle = 700 * time.Millisecond
)

// Watcher is who hears of what the engine does. Its functions are called from
// several goroutines, in order for each container.
type Watcher struct {
	// Label, NAME or NAME=VALUE, leaves all containers aside that do not have it.
	Label string
	// Since is when the newest event happened that an earlier run has told of;
	// zero for none. Told reports whether it has told the event of an ID.
	Since time.Time
	Told  func(id string) bool // nil: none
	// Known are the ids of the containers that an earlier run has told of. Those
	// that are gone are told as removed: the engine may have forgotten the event.
	Known []string
	// Lost says that an earlier run has told that the engine does not answer, and
	// not that it does again.
	Lost bool
	// Starting is called the moment that a container is known to have started,
	// before it is inspected and the fact of it is told: one that dies at once
	// must not be gone before its output is asked for. until is when that life
	// has ended already, zero if it goes on as far as is known. It may be nil.
	Starting func(c *aweigh.Container, at, until time.Time)
	// Ended is called the moment that an end is heard of, before the fact of it
	// is told, and before the next Starting. It may be nil.
	Ended func(id string, at time.Time)
	Tell  func(aweigh.Fact)
}

// Run tells facts until ctx ends.
func (e *Engine) Run(ctx context.Context, w Watcher) error {
	if w.Told == nil {
		w.Told = func(string) bool { return false }
	}
	if w.Starting == nil {
		w.Starting = func(*aweigh.Container, time.Time, time.Time) {}
	}
	if w.Ended == nil {
		w.Ended = func(string, time.Time) {}
	}
	f := &follower{Watcher: w, engine: e, ends: map[string]time.Time{}, handled: map[string]time.Time{}}
	if !w.Since.IsZero() {
		f.last = w.Since.Add(-lag)
	}
	// The lanes outlive a stream: what was heard before it broke is told.
	var running sync.WaitGroup
	for n := range f.queues {
		f.queues[n] = newQueue()
		running.Go(func() { f.queues[n].run(ctx, f.lane) })
	}
	defer running.Wait()
	lost := w.Lost
	for retry := 100 * time.Millisecond; ctx.Err() == nil; {
		began := time.Now()
		err := f.follow(ctx, func() {
			if lost {
				w.Tell(aweigh.Fact{Kind: aweigh.FactRegained, At: time.Now().UTC()})
				lost = false
			}
		})
		if ctx.Err() != nil {
			break
		}
		if !lost {
			lost = true
			w.Tell(aweigh.Fact{Kind: aweigh.FactLost, At: time.Now().UTC(), Reason: e.explain(err).Error()})
		}
		if time.Since(began) > 10*time.Second {
			retry = 100 * time.Millisecond
		}
		select {
		case <-ctx.Done():
		case <-time.After(retry):
		}
		retry = min(2*retry, maxRetry)
	}
	return ctx.Err()
}

// lag is by how much the events of one container may have been told later than
// those of another, when a watcher was killed: the lanes go each at its pace.
const lag = time.Minute

// follower follows one stream of events after another.
type follower struct {
	Watcher
	engine *Engine
	queues [lanes]*queue
	last   time.Time // of the newest event
	heard  recent

	mu      sync.Mutex
	handled map[string]time.Time // when the newest event of a container that was told happened
	ends    map[string]time.Time // of lives that history tells of, by the id of their start's event
}

// recent remembers the newest events, for those that come twice: at the seam of
// two streams, and after a watcher was killed.
type recent struct {
	ids   map[string]bool
	order []string
}

// add reports whether the id is new.
func (r *recent) add(id string) bool {
	if r.ids[id] {
		return false
	}
	if r.ids == nil {
		r.ids = map[string]bool{}
	}
	r.ids[id] = true
	if r.order = append(r.order, id); len(r.order) > 2000 { // the engine keeps 256
		delete(r.ids, r.order[0])
		r.order = r.order[1:]
	}
	return true
}

// events that the core knows. Everything else, such as the exec_* of each
// health check, is left out at the source. Podman calls two by other names.
var actions = []string{"create", "start", "kill", "die", "died", "stop", "destroy", "remove", "oom", "rename", "update", "pause", "unpause", "health_status"}

// follow follows one stream until it breaks. inspected is called once all that
// there is has been inspected.
func (f *follower) follow(ctx context.Context, inspected func()) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := f.check(ctx); err != nil {
		return err
	}
	// What happened meanwhile comes first, in its order: an inspection knows
	// only how it has ended.
	if !f.last.IsZero() {
		if err := f.history(ctx); err != nil {
			return err
		}
	}
	stream := f.events(ctx, time.Time{})
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	// An engine may need seconds for the list, and what happens meanwhile cannot wait.
	listed := make(chan error, 1)
	list := func() { running.Go(func() { listed <- f.inspectAll(ctx) }) }
	list()
	listing, first := true, true
	again := time.NewTicker(inspectEvery)
	defer again.Stop()
	for {
		select {
		case m := <-stream.Messages:
			f.hear(m)
		case err := <-stream.Err:
			return err
		case err := <-listed:
			if err != nil {
				return err
			}
			if first {
				running.Go(func() { f.await(ctx, inspected) })
			}
			listing, first = false, false
		case <-again.C:
			if !listing {
				listing = true
				list()
			}
		}
	}
}

// await calls inspected once the inspections that the lanes have now have all been told.
func (f *follower) await(ctx context.Context, inspected func()) {
	var pending sync.WaitGroup
	for _, q := range f.queues {
		pending.Add(1)
		q.add(job{done: func() { // the inspections have been made, and are told
			time.AfterFunc(settle+settle/4, func() { q.add(job{done: pending.Done}) })
		}})
	}
	all := make(chan struct{})
	go func() { pending.Wait(); close(all) }()
	select {
	case <-all:
		inspected()
	case <-ctx.Done():
	}
}

// check asks whether the engine answers, and what kind it is.
func (f *follower) check(ctx context.Context) error {
	if err := f.engine.Check(ctx); err != nil {
		return err
	}
	// An engine may go on working although that never answers, for it asks all that the
	// engine itself depends on.
	ctx, cancel := context.WithTimeout(ctx, answerWithin/6)
	defer cancel()
	f.engine.learn(ctx)
	return nil
}

// events is the stream of what has happened since the newest event, until then
// or for ever.
func (f *follower) events(ctx context.Context, until time.Time) client.EventsResult {
	options := client.EventsListOptions{Filters: f.labelled().Add("type", "container").Add("event", actions...)}
	if !f.last.IsZero() {
		options.Since = stamp(f.last)
		if now := f.engine.now(); f.last.After(now) { // the clock was set back
			options.Since = stamp(now.Add(-lag))
		}
	}
	if !until.IsZero() {
		options.Until = stamp(until)
	}
	ctx, cancel := context.WithCancel(ctx)
	late := time.AfterFunc(answerWithin, cancel)
	stream := f.engine.client.Events(ctx, options) // once the engine has begun to answer
	late.Stop()
	return stream
}

// labelled chooses the containers to follow.
func (f *follower) labelled() client.Filters {
	if f.Label == "" {
		return client.Filters{}
	}
	return client.Filters{}.Add("label", f.Label)
}

func stamp(t time.Time) string { return fmt.Sprintf("%d.%09d", t.Unix(), t.Nanosecond()) }

// history hears what happened while nobody listened, as far as the engine
// remembers it: 256 events.
func (f *follower) history(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	stream := f.events(ctx, f.engine.now()) // for a moment to come it would wait
	var all []events.Message
	var err error
	for err == nil {
		select {
		case m := <-stream.Messages:
			all = append(all, m)
		case err = <-stream.Err:
		}
	}
	if !errors.Is(err, io.EOF) {
		return err
	}
	started := map[string]string{} // the id of each container's last start
	f.mu.Lock()
	for _, m := range all {
		switch m.Action {
		case events.ActionStart:
			started[m.Actor.ID] = eventID(m)
		case events.ActionDie:
			if id, known := started[m.Actor.ID]; known {
				f.ends[id] = time.Unix(0, m.TimeNano)
				delete(started, m.Actor.ID)
			}
		}
	}
	f.mu.Unlock()
	for _, m := range all {
		f.hear(m)
	}
	return nil
}

func eventID(m events.Message) string {
	return fmt.Sprintf("docker/%.12s/%s/%d", m.Actor.ID, m.Action, m.TimeNano)
}

// hear hands an event to its lane, unless it was told before.
func (f *follower) hear(m events.Message) {
	if at := time.Unix(0, m.TimeNano); at.After(f.last) {
		f.last = at
	}
	if id := eventID(m); !f.heard.add(id) || f.Told(id) {
		return
	}
	if m.Action == events.ActionCreate {
		f.expect(m.Actor.ID)
	}
	if m.Action == events.ActionDie || m.Action == "died" { // Podman's
		f.Ended(m.Actor.ID, time.Unix(0, m.TimeNano).UTC())
	}
	j := job{event: &m}
	if k, known := f.engine.known.get(m.Actor.ID); known && m.Action == events.ActionStart {
		f.begin(m, &k.container)
		j.begun = true
	}
	f.to(m.Actor.ID).add(j)
}

// begin says that a container has started.
func (f *follower) begin(m events.Message, c *aweigh.Container) {
	f.mu.Lock()
	until := f.ends[eventID(m)]
	delete(f.ends, eventID(m))
	f.mu.Unlock()
	f.Starting(c, time.Unix(0, m.TimeNano).UTC(), until)
}

// to is the lane of a container.
func (f *follower) to(id string) *queue {
	h := fnv.New32a()
	h.Write([]byte(id))
	return f.queues[h.Sum32()%lanes]
}

// expectAfter is when a container that was created is looked at. One that
// cannot be started (its port is taken, its program missing) says so in its
// state, and no event tells of it.
var expectAfter = []time.Duration{time.Second, 3 * time.Second, 10 * time.Second}

func (f *follower) expect(id string) {
	for _, d := range expectAfter {
		time.AfterFunc(d, func() { f.to(id).add(job{created: id}) })
	}
}

// inspectAll has every container inspected.
func (f *follower) inspectAll(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	known := append(f.engine.known.ids(), f.Known...) // before the list is made: what is created meanwhile is not in it
	list, err := f.engine.client.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: f.labelled()})
	if err != nil {
		return err
	}
	there := map[string]bool{}
	for _, c := range list.Items {
		there[c.ID] = true
		f.to(c.ID).add(job{inspect: c.ID})
	}
	for _, id := range known {
		if !there[id] { // its destroy event was dropped
			f.to(id).add(job{gone: id})
		}
	}
	f.Known = nil
	return nil
}
