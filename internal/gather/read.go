package gather

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/diagnose"
	"github.com/aweigh/aweigh/internal/docker"
	"github.com/aweigh/aweigh/internal/record"
	"github.com/aweigh/aweigh/internal/snapshot"
)

// settle is by how much a record's beginning and the engine's word of it may
// lie apart.
const settle = 5 * time.Second

// OfLife finds the record of a container's present or last life among those of
// its service; nil if nobody keeps one.
func OfLife(dir *record.Dir, in docker.Inspection) *record.Record {
	records, err := dir.Records(in.Container.Service)
	if err != nil {
		return nil
	}
	for _, r := range slices.Backward(records) {
		s := r.Start()
		if s.Began.Before(in.Container.Started.Add(-settle)) {
			return nil
		}
		if s.Instance == short(in.Container.ID) {
			return r
		}
	}
	return nil
}

// ReadLog reads the output of the container's present or last life from the
// engine.
func (f *Found) ReadLog(ctx context.Context, e *docker.Engine) {
	c := &f.Inspection.Container
	f.engineOutput(ctx, e, *f.Inspection, docker.Span{Since: docker.OutputFrom(c, c.Started)})
	if c.Supervised {
		f.Evidence.Output, f.Evidence.Daemon = withoutOurs(f.Evidence.Output, f.Evidence.Daemon)
	}
}

// linesBefore is how much of the lives before is read where no record parts
// them: the last of them is among it.
const linesBefore = 200

// readLogBefore takes a container that has just been started again for what it
// was before: one that crashes in a loop, of which the present life has not come
// to say anything. How that one ended the engine has forgotten.
func (f *Found) readLogBefore(ctx context.Context, e *docker.Engine) {
	c := &f.Inspection.Container
	f.engineOutput(ctx, e, *f.Inspection, docker.Span{Until: c.Started.Add(-time.Millisecond), Tail: linesBefore})
	if c.Supervised {
		f.Evidence.Output, f.Evidence.Daemon = withoutOurs(f.Evidence.Output, f.Evidence.Daemon)
	}
	f.Evidence.Runtime = &diagnose.Runtime{}
	if in := f.Evidence.Inspect; in != nil {
		in.State.Status, in.State.Running = "restarting", false
	}
	f.note(fmt.Sprintf("it was started again %s ago (restart %d): this is about what it printed before; its exit status is not known any more", time.Since(c.Started).Round(time.Millisecond), c.RestartCount))
}

// WithoutOurs is the output of a service without aweigh-init's own lines, if
// there are any among it.
func WithoutOurs(output []byte, supervised bool) []byte {
	if supervised {
		output, _ = withoutOurs(output, nil)
	}
	return output
}

// withoutOurs takes aweigh-init's own lines out of an output, which are about
// it and not of it. What a preflight of it refused is what an engine would have
// said. Behind its word that it takes a snapshot come stacks that it asked for.
func withoutOurs(output, daemon []byte) (kept, said []byte) {
	said = daemon
	for line := range bytes.Lines(output) {
		event := eventOf(line)
		if event == "" {
			kept = append(kept, line...)
			continue
		}
		kept = append(kept, '\n') // lines keep their numbers
		switch {
		case event == record.Snapshot:
			return kept, said
		case bytes.Contains(line, []byte("refused")) && event == record.StartFailed:
			said = append(said, line...)
		}
	}
	return kept, said
}

// eventOf is the event of a line of aweigh-init's own; "" for a line of the
// service, which may log with log/slog and have events too.
func eventOf(line []byte) string {
	key, end := " event=", " \r\n"
	switch {
	case bytes.HasPrefix(line, []byte("time=")):
	case bytes.HasPrefix(line, []byte(`{"time":`)):
		key, end = `"event":"`, `"`
	default:
		return ""
	}
	_, rest, ok := bytes.Cut(line, []byte(key))
	if n := bytes.IndexAny(rest, end); n >= 0 {
		rest = rest[:n]
	}
	event := string(rest)
	family, _, _ := strings.Cut(event, ".")
	if ok && slices.Contains([]string{"start", "run", "record", record.Snapshot, "assist", "warning"}, family) {
		return event
	}
	return ""
}

// ReadRecord reads what is recorded of a start: its output, its end, and the
// engine's word of that.
func (f *Found) ReadRecord(dir *record.Dir, r *record.Record) {
	s := r.Start()
	f.Start = s.ID
	size := r.OutputSize()
	if snap := snapshotOf(r); snap != nil {
		// What came then may be stacks that were asked for.
		if _, end := r.Between(s.Began, snap.Taken); end >= 0 {
			size = end
		}
	}
	f.recordedOutput(r, size, filepath.Join(dir.Path(), r.Name))
	if events, _ := r.Events(); len(events) > 0 && events[0].Engine != "" { // a watcher's, of all that the container printed
		f.Evidence.Output, f.Evidence.Daemon = withoutOurs(f.Evidence.Output, f.Evidence.Daemon)
	}
	f.judged = s.Cause
	if s.Verdict == aweigh.Refused && len(f.Evidence.Daemon) == 0 {
		f.Evidence.Daemon = []byte(s.Reason + "\n")
	}
	f.Live.Changed = Changed(dir, r)
}

// Recorded collects the evidence of a start that is over, from its record.
func Recorded(dir *record.Dir, r *record.Record, o Options) *Found {
	s := r.Start()
	f := &Found{Service: s.Service, Instance: s.Instance, Began: s.Began}
	f.Evidence.ExpectedPort = o.Port
	if s.Probe != nil && o.Port == 0 {
		f.Evidence.ExpectedPort = probePort(s.Probe.Target)
	}
	f.Evidence.Inspect = inspected(r, s)
	snap := snapshotOf(r)
	switch data, ok := r.File("runtime.json"); {
	case ok:
		runtime, err := diagnose.ParseRuntime(data)
		if err != nil {
			f.note(err.Error())
		}
		f.Evidence.Runtime = runtime
	case snap != nil && s.Verdict == aweigh.TimedOut:
		// It was ended for it was late: what matters is how it stood before.
		f.Evidence.Runtime = &diagnose.Runtime{Running: true, ObservedSeconds: seconds(took(s))}
		f.Live = fromSnapshot(snap, f.Evidence.Runtime)
		f.Evidence.Inspect = &diagnose.Inspect{}
		f.Evidence.Inspect.State.Status, f.Evidence.Inspect.State.Running = "running", true
	default:
		f.Evidence.Runtime = &diagnose.Runtime{ObservedSeconds: seconds(took(s))}
	}
	if s.Exit != nil && !f.Evidence.Runtime.Running {
		f.Evidence.ExitCode = &s.Exit.Code
	}
	f.ReadRecord(dir, r)
	return f
}

func took(s aweigh.Start) time.Duration {
	if s.TookMS == nil {
		return 0
	}
	return time.Duration(*s.TookMS) * time.Millisecond
}

// CauseOf diagnoses a start that is over, from its record alone.
func CauseOf(dir *record.Dir, r *record.Record) *aweigh.Cause {
	return diagnose.Best(Recorded(dir, r, Options{}).Causes())
}

// inspected is what a record tells of the container: the inspection that a
// watcher kept, with the engine's word of the end.
func inspected(r *record.Record, s aweigh.Start) *diagnose.Inspect {
	in := &diagnose.Inspect{}
	kept, ok := r.File(InspectFile)
	if ok {
		if parsed, err := diagnose.ParseInspect(kept); err == nil {
			in = parsed
		}
	}
	state, ended := r.File("state.json")
	if ended && json.Unmarshal(state, &in.State) == nil {
		return in
	}
	if !ok && s.Exit == nil {
		return nil
	}
	if s.Exit != nil {
		in.State.Status, in.State.Running = "exited", false
		in.State.ExitCode, in.State.OOMKilled = s.Exit.Code, s.Exit.OOM
	}
	return in
}

// InspectFile is what a watcher keeps of an inspection beside a record: without
// the values of the environment.
const InspectFile = "inspect.json"

// snapshotOf is the snapshot that was taken before a start was ended; nil for
// none.
func snapshotOf(r *record.Record) *snapshot.Snapshot {
	data, ok := r.File("snapshot.json")
	var snap snapshot.Snapshot
	if !ok || json.Unmarshal(data, &snap) != nil {
		return nil
	}
	return &snap
}

// itself reports whether a target is the service's own port, for which its
// entrypoint may wait.
func (f *Found) itself(t target) bool {
	addr, err := netip.ParseAddr(t.host)
	return t.port != 0 && t.port == f.Evidence.ExpectedPort && (t.host == "localhost" || err == nil && addr.IsLoopback())
}

// Dependencies tries to reach those that the output names: from the container's
// network namespace where that can be entered, else from this host.
func (f *Found) Dependencies(ctx context.Context) {
	all := targets(f.Evidence.Output)
	if w := f.Live.Wait; w != nil && w.Peer != "" {
		all = append(all, addresses(w.Peer)...)
	}
	all = slices.DeleteFunc(all, f.itself)
	if len(all) == 0 {
		return
	}
	from, pid := onHost(), 0
	if f.Inspection != nil {
		pid = f.Inspection.PID
	}
	if pid > 0 && belongs(pid, f.Inspection.Container.ID) {
		n, err := openNamespace(pid)
		if err == nil {
			defer n.close()
			from = inside(n, pid)
		} else {
			f.note(fmt.Sprintf("its network namespace cannot be entered (%v): its dependencies were tried from this host", err))
		}
	}
	if from.name == "host" {
		// Here the loopback is another one, and so are the names that only an
		// engine's own name server knows.
		all = slices.DeleteFunc(all, func(t target) bool { return f.Inspection != nil && !reachableFromHost(t) })
	}
	f.Live.Reach = from.reach(ctx, all)
}
