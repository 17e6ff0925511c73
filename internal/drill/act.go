package drill

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/docker"
	"github.com/aweigh/aweigh/internal/drill/inside"
	"github.com/aweigh/aweigh/internal/notify"
	"github.com/aweigh/aweigh/internal/record"
)

// one runs one drill: steady state, injection, detection, telling, recovery.
func (r *run) one(ctx context.Context, d Drill) Result {
	res := d.result()
	if ctx.Err() != nil {
		res.Verdict, res.Reason = Inconclusive, interrupted
		return res
	}
	var mail *mailServer
	var more []notify.Route
	if d.Route == mailRoute {
		var err error
		if mail, err = openMailServer(); err != nil {
			res.judge(ctx, err)
			return res
		}
		defer mail.down()
		more = []notify.Route{mail.route()}
	}
	st, err := r.open(ctx, d, more...)
	st.mail = mail
	if err == nil {
		err = d.stage(ctx, st, &res)
	}
	if err != nil {
		res.judge(ctx, err)
	}
	if err := st.close(ctx); err != nil && res.Verdict == Passed {
		res.Verdict, res.Reason = Failed, "what it made could not be removed: "+err.Error()
	}
	if res.Verdict == Failed {
		res.Evidence = st.observer.evidence()
	} else {
		st.forget()
	}
	res.TookMS = time.Since(res.Began).Milliseconds()
	res.Reason = record.Printable(res.Reason)
	return res
}

// Errors of a stage that mean something else than that nothing was proven.
type (
	notApplicable struct{ why string }
	failed        struct{ why string }
)

func (e notApplicable) Error() string { return e.why }
func (e failed) Error() string        { return e.why }

// judge makes a verdict of what kept a drill from passing.
func (res *Result) judge(ctx context.Context, err error) {
	var na notApplicable
	var f failed
	switch {
	case ctx.Err() != nil:
		res.Verdict, res.Reason = Inconclusive, interrupted
	case errors.As(err, &na):
		res.Verdict, res.Reason = NotApplicable, na.why
	case errors.As(err, &f):
		res.Verdict, res.Reason = Failed, f.why
	default:
		res.Verdict, res.Reason = Inconclusive, err.Error()
	}
}

// stage lets it happen, and looks what follows.
func (d Drill) stage(ctx context.Context, st *stage, res *Result) error {
	st.within = st.startTime()
	if err := d.Inject(ctx, st); err != nil {
		return err
	}
	injected := st.injected.UTC()
	res.Injected, res.Route = &injected, st.route(d)
	if d.Kind == aweigh.CrashLoop {
		st.within += time.Duration(min(st.Settings.LoopCrashes, 5)) * loopPause
	}
	limit := st.within + patience
	res.WithinMS = limit.Milliseconds()
	if d.Calm {
		return st.calm(ctx, d, res)
	}
	if err := st.detected(ctx, d, res, limit); err != nil {
		return err
	}
	if err := st.told(ctx, d, res); err != nil {
		return err
	}
	if err := st.diagnosed(ctx, d, res); err != nil {
		return err
	}
	res.Verdict = Passed
	return st.recovered(ctx, res)
}

// detected waits until the watcher has an incident of it.
func (st *stage) detected(ctx context.Context, d Drill, res *Result, limit time.Duration) error {
	within, cancel := context.WithDeadline(ctx, st.injected.Add(limit))
	defer cancel()
	serves := time.Time{} // since when it serves all the same
	err := poll(within, func() (bool, error) {
		all, err := st.observer.incidents(within)
		if err != nil {
			return false, err
		}
		if n := d.among(all); n != nil {
			res.Incident = n
			return d.Kind == "" || n.Kind == d.Kind, nil
		}
		if !d.Mild {
			return false, nil
		}
		start, err := st.observer.newest(within, st.injected.Add(-clockSlack))
		switch {
		case err != nil || start == nil || start.Verdict != aweigh.Ready || start.Run == nil || start.Run.End != "":
			serves = time.Time{}
		case serves.IsZero():
			serves = time.Now()
		case time.Since(serves) > mildFor:
			return false, notApplicable{"it does not matter to this service: it serves all the same"}
		}
		return false, err
	})
	if errors.Is(err, errTime) && ctx.Err() == nil {
		why := fmt.Sprintf("nothing was detected within %s", limit.Round(time.Second))
		if res.Incident != nil {
			why = fmt.Sprintf("what was detected within %s is %s, not %s", limit.Round(time.Second), res.Incident.Kind, d.Kind)
		}
		why += st.words(ctx)
		if d.Advice != "" {
			why += ". " + d.Advice
		}
		return failed{why}
	}
	if err != nil {
		return err
	}
	if err := st.ownFailure(ctx); err != nil {
		return err
	}
	if st.seen.IsZero() {
		st.seen = time.Now()
	}
	res.DetectedMS = ms(st.seen.Sub(st.injected))
	return nil
}

// ownFailure is that the drill's program could not do what it should inside the
// copy: what was detected is that, and proves nothing of the service.
func (st *stage) ownFailure(ctx context.Context) error {
	start, err := st.observer.newest(ctx, st.injected.Add(-clockSlack))
	if err != nil || start == nil || start.Exit == nil || start.Exit.Code != inside.Failed || !strings.Contains(start.Reason, inside.Mark) {
		return err
	}
	return errors.New("the fault could not be injected" + st.words(ctx))
}

// loopPause is how long the engine may take from one start of a loop to the
// next.
const loopPause = 5 * time.Second

// mildFor is how long a service must serve in spite of a fault for that not to
// matter to it.
const mildFor = 5 * time.Second

// told waits until the notification has arrived.
func (st *stage) told(ctx context.Context, d Drill, res *Result) error {
	within, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var at time.Time
	err := poll(within, func() (bool, error) {
		var ok bool
		var err error
		if d.arrived != nil {
			at, ok = d.arrived(st)
		} else {
			at, ok, err = st.observer.told(within, res.Incident.ID, d.Kind)
		}
		return ok, err
	})
	if errors.Is(err, errTime) && ctx.Err() == nil {
		return failed{fmt.Sprintf("nobody was told within %s of its detection", patience)}
	}
	if err != nil {
		return err
	}
	res.ToldMS = ms(at.Sub(st.injected))
	*res.DetectedMS = min(*res.DetectedMS, *res.ToldMS) // the store is only asked now and then
	return nil
}

// diagnosed compares the incident's cause. A wrong one fails the drill; that none
// is known does not. It may come later than the incident:
// evidence must be gathered.
func (st *stage) diagnosed(ctx context.Context, d Drill, res *Result) error {
	within, cancel := context.WithTimeout(ctx, causeTime)
	defer cancel()
	poll(within, func() (bool, error) {
		all, err := st.observer.incidents(within)
		for _, n := range all {
			if n.ID == res.Incident.ID {
				res.Incident, res.Cause = &n, n.Cause
			}
		}
		return res.Cause != nil, err
	})
	res.Causes = d.Causes
	if c := res.Cause; c.Named() && !d.expects(c.ID) {
		if first, err := st.observer.cause(ctx, res.Incident, d); err != nil {
			return err
		} else if first != nil {
			res.Cause = first
		}
	}
	if c := res.Cause; c.Named() && len(d.Causes) > 0 && !d.expects(c.ID) {
		return failed{fmt.Sprintf("diagnosed as %s, not as %s", c.ID, strings.Join(d.Causes, " or "))}
	}
	return nil
}

// causeTime is how long a cause may take to follow its incident.
const causeTime = 2 * time.Second

// calm waits until the start is proven, and sees that nobody is alarmed.
func (st *stage) calm(ctx context.Context, d Drill, res *Result) error {
	alarm := func() error {
		all, err := st.observer.incidents(ctx)
		if n := d.among(all); err == nil && n != nil {
			res.Incident, res.Cause = n, n.Cause
			err = failed{fmt.Sprintf("a false alarm: %s: %s", n.Kind, n.Summary)}
		}
		return err
	}
	_, err := st.awaitReady(ctx, st.injected)
	if seen := alarm(); seen != nil {
		return seen
	}
	if err != nil {
		return failed{"it did not become ready: " + err.Error()}
	}
	quiet, cancel := context.WithTimeout(ctx, calmFor)
	defer cancel()
	if err := poll(quiet, func() (bool, error) { return false, alarm() }); !errors.Is(err, errTime) {
		return err
	}
	res.Verdict = Passed
	return ctx.Err()
}

// calmFor is how long nothing must be heard after a calm drill.
const calmFor = 3 * time.Second

// recovered takes the fault away, and sees that a clean copy is ready and the
// incident resolved.
func (st *stage) recovered(ctx context.Context, res *Result) error {
	began := time.Now()
	if err := st.stop(ctx); err != nil {
		return fmt.Errorf("the copy could not be stopped: %w", err)
	}
	if st.repair != nil {
		if err := st.repair(ctx); err != nil {
			return err
		}
	}
	if _, err := st.ready(ctx); err != nil {
		return failed{"detected and told, but no recovery: " + err.Error()}
	}
	within, cancel := context.WithTimeout(ctx, 2*settle+patience)
	defer cancel()
	err := poll(within, func() (bool, error) {
		all, err := st.observer.incidents(within)
		return !slices.ContainsFunc(all, func(n aweigh.Incident) bool { return n.Open() }), err
	})
	if errors.Is(err, errTime) && ctx.Err() == nil {
		return failed{"detected and told, and it serves again, but the incident stays open"}
	}
	res.RecoveredMS = ms(time.Since(began))
	return err
}

// words are the last of what the copy printed, as a person wants to read them
// after a reason.
func (st *stage) words(ctx context.Context) string {
	if st.copy == "" {
		return ""
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	out, err := st.Engine.Logs(ctx, st.copy, docker.Span{Tail: 50})
	if err != nil {
		return ""
	}
	defer out.Close()
	var tail []byte
	docker.Frames(out, !st.service.Config.Tty, func(_ bool, b []byte) {
		tail = append(tail, b...)
		tail = tail[max(0, len(tail)-4096):]
	})
	if words := record.LastWords(strings.Split(string(tail), "\n")); words != "" {
		return "; its last words: " + words
	}
	return ""
}
