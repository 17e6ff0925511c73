package gather

import (
	"fmt"
	"strings"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/diagnose"
	"github.com/aweigh/aweigh/internal/snapshot"
	"github.com/aweigh/aweigh/internal/supervise"
)

// Supervised diagnoses what a supervisor of this program has seen fail. That of
// aweigh-init does without: the catalogue would add 300 kB to it, and whoever
// reads its records diagnoses them.
func Supervised(f supervise.Failure) *aweigh.Cause {
	e := diagnose.Evidence{Output: f.Output, ExpectedPort: f.Port, Inspect: &diagnose.Inspect{},
		Runtime: &diagnose.Runtime{ObservedSeconds: seconds(f.Ran), Running: f.Late}}
	state := &e.Inspect.State
	if f.Refused != "" {
		e.Daemon = []byte(f.Refused + "\n")
	}
	var live diagnose.Live
	switch {
	case f.Late:
		state.Status, state.Running = "running", true
		live = fromSnapshot(f.Snapshot, e.Runtime)
	case f.Exit != nil:
		state.Status, state.ExitCode, state.OOMKilled = "exited", f.Exit.Code, f.Exit.OOM
		e.ExitCode = &f.Exit.Code
	}
	return diagnose.Best(diagnose.Weigh(diagnose.Diagnose(e), e, live))
}

// fromSnapshot is how a service stood that was ended for it did not serve.
func fromSnapshot(snap *snapshot.Snapshot, r *diagnose.Runtime) (live diagnose.Live) {
	if snap == nil {
		return live
	}
	r.Owned = []string{}
	for _, l := range snap.Listeners {
		r.Owned = append(r.Owned, l.Local.String())
	}
	r.Listeners = r.Owned
	r.Processes = []string{processHeading}
	for _, p := range snap.Processes {
		r.Processes = append(r.Processes, fmt.Sprintf("%d %d %.1s %d %s", p.PID, p.PPID, strings.ToUpper(p.State), p.AgeMS/1000, strings.Join(p.Args, " ")))
	}
	if len(snap.Processes) > 0 {
		p := snap.Processes[0]
		r.Main = &diagnose.MainProcess{State: p.State, Threads: p.ThreadCount, CPUSeconds: float64(p.CPUMS) / 1000}
		if len(p.Threads) > 0 {
			r.Main.WaitsIn = p.Threads[0].WChan
		}
	}
	if w := snap.Wait; w != nil {
		live.Wait = &diagnose.Wait{Kind: string(w.Kind), Peer: w.Peer, Text: snap.Sentence}
	}
	return live
}
