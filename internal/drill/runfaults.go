package drill

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/moby/moby/client"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/core"
)

// runDrills are about what befalls a service that was ready.
var runDrills = []Drill{
	{Name: "crash-after-ready", Injects: "it ends as by a fault in native code (exit status 139)", Inject: later(crashLater),
		Causes: []string{"crash-signal"}},
	{Name: "killed-from-outside", Injects: "a process of the host kills it, and not through the engine", Inject: killed,
		Causes: []string{"stopped-externally"}},
	{Name: "stop-and-recreate", Injects: "it is stopped, removed and created again, as by a deployment", Inject: recreated, Calm: true},
	{Name: "log-silence", Injects: "its log, which never pauses, falls silent", Inject: silence, Kind: aweigh.Silence,
		Settings: map[string]string{"silence": silenceFor.String()}},
}

func crashLater(*stage) ([]string, []change, error) { return []string{"crash"}, nil, nil }

// killed kills the copy's first process by the kernel alone, so that the engine
// cannot say that somebody wanted it.
func killed(ctx context.Context, st *stage) error {
	if _, err := st.ready(ctx); err != nil {
		return err
	}
	answer, err := st.engine.ContainerInspect(ctx, st.copy, client.ContainerInspectOptions{})
	if err != nil {
		return err
	}
	pid := answer.Container.State.Pid
	cgroup, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	if pid <= 1 || !strings.Contains(string(cgroup), st.copy) {
		return notApplicable{"the container's processes cannot be reached from here: run the drill as root on the engine's host"}
	}
	st.injected = time.Now()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		return notApplicable{"the container's processes cannot be killed from here: run the drill as root"}
	}
	return nil
}

func recreated(ctx context.Context, st *stage) error {
	if _, err := st.ready(ctx); err != nil {
		return err
	}
	if err := st.stop(ctx); err != nil {
		return err
	}
	st.injected = time.Now()
	return st.start(ctx)
}

const (
	// silenceFor is what counts as silence in the drill; a service must never
	// have paused for half of it.
	silenceFor = 8 * time.Second
	// talkTime is how long a service must have talked (docs/watch.md, Silence),
	// and a little more, for facts are told in pieces.
	talkTime = 12*silenceFor + 5*time.Second
)

func silence(ctx context.Context, st *stage) error {
	if _, err := st.ready(ctx, st.before("later", "mute")); err != nil {
		return err
	}
	long, cancel := context.WithTimeout(ctx, talkTime)
	defer cancel()
	began := time.Now()
	err := poll(long, func() (bool, error) {
		talk := st.observer.talk(long)
		if pause := time.Since(latest(began, talk.Last)); pause > silenceFor || talk.Gap > silenceFor/2 {
			return false, notApplicable{fmt.Sprintf("its log pauses for longer than %s though it is asked every second: its silence means nothing", silenceFor/2)}
		}
		return false, nil
	})
	if err != errTime || ctx.Err() != nil {
		return err
	}
	st.injected, st.within = time.Now(), silenceFor
	return st.trigger(ctx)
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// talk is what the watcher knows of how the copy's log goes.
func (o *observer) talk(ctx context.Context) core.Talk {
	st, err := o.read(ctx)
	if st == nil || err != nil {
		return core.Talk{}
	}
	rows, _ := st.State(ctx)
	var v core.Service
	json.Unmarshal(rows["service:/"+o.name], &v)
	return v.Talk
}
