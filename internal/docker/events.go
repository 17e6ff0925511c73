package docker

import (
	"context"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/moby/moby/api/types/events"

	"github.com/aweigh/aweigh"
)

// lane turns one job into facts.
func (f *follower) lane(ctx context.Context, j job) {
	switch {
	case j.done != nil:
		j.done()
	case j.seen != nil:
		f.mu.Lock()
		overtaken := f.handled[j.seen.Instance].After(j.seen.At)
		f.mu.Unlock()
		_, there := f.engine.known.get(j.seen.Instance) // or it was removed meanwhile
		if there && !overtaken {                        // by an event, which has brought an inspection of its own
			f.Tell(*j.seen)
		}
	case j.event != nil:
		f.event(ctx, *j.event, j.begun)
	case j.gone != "":
		f.engine.known.remove(j.gone)
		f.forget(j.gone)
		f.Tell(aweigh.Fact{Kind: aweigh.FactRemoved, At: time.Now().UTC(), Instance: j.gone})
	case j.created != "":
		at := time.Now().UTC()
		if k, err := f.engine.inspect(ctx, j.created); err == nil && k.container.Error != "" {
			c := k.container
			f.Tell(aweigh.Fact{Kind: aweigh.FactSeen, At: at, Instance: c.ID, Container: &c})
		}
	default:
		at := time.Now().UTC()
		if k, err := f.engine.inspect(ctx, j.inspect); err == nil {
			c := k.container
			f.later(job{seen: &aweigh.Fact{Kind: aweigh.FactSeen, At: at, Instance: c.ID, Container: &c, Reason: k.health}}, c.ID)
		}
	}
}

func (f *follower) forget(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.handled, id)
}

// later adds a job once all events have been heard that happened before now.
func (f *follower) later(j job, id string) {
	time.AfterFunc(settle, func() { f.to(id).add(j) })
}

// event turns an event into facts.
func (f *follower) event(ctx context.Context, m events.Message, begun bool) {
	id := m.Actor.ID
	fact := aweigh.Fact{At: time.Unix(0, m.TimeNano).UTC(), Instance: id, ID: eventID(m)}
	attributes := m.Actor.Attributes
	f.mu.Lock()
	if f.handled[id].Before(fact.At) {
		f.handled[id] = fact.At
	}
	f.mu.Unlock()
	switch action := string(m.Action); {
	case action == "create":
		f.container(ctx, m, true) // so that all is known of it when it starts
		return
	case action == "start":
		if !begun {
			f.begin(m, f.container(ctx, m, false))
		}
		fact.Kind = aweigh.FactStarted
		fact.Container = f.container(ctx, m, true)
	case action == "kill":
		fact.Kind = aweigh.FactSignalled
		fact.Signal = signalName(attributes["signal"])
	case action == "die", action == "died":
		fact.Kind = aweigh.FactDied
		code, err := strconv.Atoi(attributes["exitCode"])
		if err != nil {
			code, _ = strconv.Atoi(attributes["containerExitCode"]) // older Podmans
		}
		var inspected bool
		fact.Container, inspected = f.atDeath(ctx, m, code)
		fact.Exit = exitOf(code, inspected && f.wasOOM(id, fact.At))
		if !inspected {
			defer f.lookAfter(ctx, id, fact.At) // once it is told
		}
	case action == "stop":
		fact.Kind = aweigh.FactStopped
	case action == "oom":
		fact.Kind = aweigh.FactOOM
	case action == "destroy", action == "remove":
		fact.Kind = aweigh.FactRemoved
		defer f.engine.known.remove(id)
		defer f.forget(id)
	case action == "health_status": // Podman's, after each check: it does not say how that went
		last, _ := f.engine.known.get(id)
		now, err := f.engine.inspect(ctx, id)
		health := now.container.Health
		if err != nil || health == last.container.Health || health != "healthy" && health != "unhealthy" {
			return
		}
		if fact.Kind, fact.OK = aweigh.FactHealth, health == "healthy"; !fact.OK {
			fact.Reason = now.health
		}
	case strings.HasPrefix(action, "health_status"):
		fact.Kind = aweigh.FactHealth
		fact.OK = strings.HasSuffix(action, " healthy")
		if !fact.OK {
			f.container(ctx, m, true)
			k, _ := f.engine.known.get(id)
			fact.Reason = k.health
		}
	default: // rename, update, pause: what it is now matters, not what happened
		fact.Kind, fact.ID = aweigh.FactSeen, ""
		fact.Container = f.container(ctx, m, true)
		f.found(fact, fact.At)
		return
	}
	f.Tell(fact)
}

// container is what is known of an event's container: by inspection, else by
// an earlier one, else by what the event itself tells.
func (f *follower) container(ctx context.Context, m events.Message, fresh bool) *aweigh.Container {
	k, found := f.engine.known.get(m.Actor.ID)
	if fresh || !found {
		if now, err := f.engine.inspect(ctx, m.Actor.ID); err == nil {
			k, found = now, true
		}
	}
	if found {
		c := k.container
		return &c
	}
	a := m.Actor.Attributes
	c := aweigh.Container{Engine: "docker", ID: m.Actor.ID, Name: a["name"], Image: a["image"], Labels: ours(a), Status: "exited"}
	c.Service, c.Project = serviceOf(c.Name, a)
	return &c
}

// wasOOM reports whether the inspection after a death, which may already show
// the next life, says that the kernel killed it.
func (f *follower) wasOOM(id string, at time.Time) bool {
	k, ok := f.engine.known.get(id)
	if !ok || k.container.Exit == nil {
		return false
	}
	return k.container.Exit.OOM && !k.container.Finished.Before(at.Add(-10*time.Second))
}

// signalName is "SIGTERM" for "15", "TERM" and "SIGTERM".
func signalName(s string) string {
	if n, err := strconv.Atoi(s); err == nil {
		if name, ok := signals[syscall.Signal(n)]; ok {
			return name
		}
		return "signal " + s
	}
	if s != "" && !strings.HasPrefix(s, "SIG") {
		return "SIG" + s
	}
	return s
}

var signals = map[syscall.Signal]string{
	syscall.SIGHUP: "SIGHUP", syscall.SIGINT: "SIGINT", syscall.SIGQUIT: "SIGQUIT", syscall.SIGABRT: "SIGABRT",
	syscall.SIGKILL: "SIGKILL", syscall.SIGUSR1: "SIGUSR1", syscall.SIGUSR2: "SIGUSR2", syscall.SIGTERM: "SIGTERM",
	syscall.SIGWINCH: "SIGWINCH",
}
