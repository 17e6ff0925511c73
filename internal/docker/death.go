package docker

import (
	"context"
	"time"

	"github.com/moby/moby/api/types/events"

	"github.com/aweigh/aweigh"
)

// killed is the exit status of what SIGKILL ended: a person, or the kernel for
// want of memory. Only an inspection tells which.
const killed = 137

// atDeath is what is known of a container whose death was told, and whether
// that was found out only now. The engine holds a container while it tidies up
// after its death, and lets nobody inspect it: 70 to 160 ms on a busy machine,
// for which a person would wait. Nor is what such an inspection finds of the
// life that has ended: it may show the next one.
func (f *follower) atDeath(ctx context.Context, m events.Message, code int) (c *aweigh.Container, inspected bool) {
	k, found := f.engine.known.get(m.Actor.ID)
	if !found {
		return f.container(ctx, m, true), true
	}
	if code == killed {
		if now, err := f.engine.inspect(ctx, m.Actor.ID); err == nil {
			return &now.container, true
		}
	}
	last := k.container
	last.Status = "" // whether it is started again is not known, but by its policy
	return &last, false
}

// lookAfter finds what a death has left behind, unless the next life has begun:
// that tells of itself.
func (f *follower) lookAfter(ctx context.Context, id string, died time.Time) {
	k, err := f.engine.inspect(ctx, id)
	if err != nil || k.container.Exit == nil {
		return
	}
	f.found(aweigh.Fact{Kind: aweigh.FactSeen, At: k.container.Finished, Instance: id, Container: &k.container, Reason: k.health}, died)
}

// found tells an inspection that an event has led to. It may show what has happened
// since, as after a watcher was away: the events of that come first.
func (f *follower) found(seen aweigh.Fact, event time.Time) {
	if c := seen.Container; c.Started.After(event) || c.Finished.After(event) {
		f.later(job{seen: &seen}, seen.Instance)
		return
	}
	f.Tell(seen)
}
