package gather

import (
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/diagnose"
	"github.com/aweigh/aweigh/internal/supervise"
)

// End is what is in memory of a container that has just ended, or was refused.
type End struct {
	Inspect    *diagnose.Inspect // the last one; its State is put right
	Exit       *aweigh.Exit      // nil: the engine refused to start it
	Error      string            // the engine's, when it did
	Ran        time.Duration
	Port       int
	Output     []byte
	Supervised bool // aweigh-init's own lines are in the output
}

// Evidence makes evidence of it. It asks nobody and reads no file.
func (e End) Evidence() diagnose.Evidence {
	ev := diagnose.Evidence{Output: e.Output, ExpectedPort: e.Port, Runtime: &diagnose.Runtime{ObservedSeconds: seconds(e.Ran)}}
	if e.Supervised {
		ev.Output, ev.Daemon = withoutOurs(e.Output, nil)
	}
	if e.Error != "" {
		ev.Daemon = []byte(e.Error + "\n")
	}
	var in diagnose.Inspect
	if e.Inspect != nil {
		in = *e.Inspect
	}
	in.State.Running, in.State.Error = false, e.Error
	switch {
	case e.Exit == nil:
	case e.Supervised && e.Exit.Code == supervise.ExitTimedOut:
		// aweigh-init has ended what did not serve: what matters is that it ran.
		in.State.Status, in.State.Running = "running", true
		ev.Runtime.Running = true
	default:
		in.State.Status, in.State.ExitCode, in.State.OOMKilled = "exited", e.Exit.Code, e.Exit.OOM
		ev.ExitCode = &e.Exit.Code
	}
	ev.Inspect = &in
	return ev
}
