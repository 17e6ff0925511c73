package startup

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"time"
)

// ExitTimedOut is the status with which a process exits that missed its
// startup deadline, as timeout(1) and aweigh do.
const ExitTimedOut = 124

// DeadlineError says that the start did not become ready in time.
type DeadlineError struct {
	Phase    string        // the phase that was open, the innermost; "" between phases
	Elapsed  time.Duration // of that phase
	Deadline time.Duration // of the whole start
	// Goroutines is the stack of every goroutine, those of the open phase first.
	Goroutines string
}

func (e *DeadlineError) Error() string {
	if e.Phase == "" {
		return fmt.Sprintf("startup deadline of %s passed between phases", e.Deadline)
	}
	return fmt.Sprintf("startup deadline of %s passed in phase %s, which had taken %s", e.Deadline, e.Phase, e.Elapsed.Round(time.Millisecond))
}

// leave is how long a phase that heeds its context may take to clean up.
const leave = time.Second

// phaseLabel marks the goroutines of a phase, so that a dump tells them from
// the rest.
const phaseLabel = "startup-phase"

func labelled(ctx context.Context, name string, f func(context.Context) error) (err error) {
	pprof.Do(ctx, pprof.Labels(phaseLabel, name), func(ctx context.Context) { err = f(ctx) })
	return err
}

// late is called when the deadline passes.
func (s *Startup) late() {
	s.mu.Lock()
	if s.isReady || s.missed != nil {
		s.mu.Unlock()
		return
	}
	if left := time.Until(s.deadline); left > 0 { // extended meanwhile
		s.alarm.Reset(left)
		s.mu.Unlock()
		return
	}
	e := &DeadlineError{Deadline: s.deadline.Sub(s.began), Goroutines: goroutines()}
	open := slices.Clone(s.open)
	for _, p := range open {
		p.missed, e.Phase, e.Elapsed = e, p.name, time.Since(p.since)
	}
	s.missed = e
	s.mu.Unlock()
	if s.OnDeadline == nil {
		fmt.Fprintf(os.Stderr, "%v\n\n%s\n", e, e.Goroutines)
	}
	for _, p := range open {
		p.cancel(e)
	}
	if s.OnDeadline != nil {
		s.OnDeadline(e)
		return
	}
	time.Sleep(leave)
	os.Exit(ExitTimedOut)
}

// lost is the error of a start whose deadline has passed. Where that ends the
// process it does not return: main would end it first, with a status of its own.
func (s *Startup) lost(e *DeadlineError) error {
	if s.OnDeadline == nil {
		select {}
	}
	return e
}

// Extend moves the deadline to d from now, if that is later. Call it in a long
// phase that makes progress, such as a migration.
func (s *Startup) Extend(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.alarm == nil || s.isReady || !time.Now().Add(d).After(s.deadline) {
		return
	}
	s.deadline = time.Now().Add(d)
	s.alarm.Reset(d)
	s.notify.send(fmt.Sprintf("EXTEND_TIMEOUT_USEC=%d", d.Microseconds()))
}

// goroutines dumps all stacks, those that run a phase first.
func goroutines() string {
	buf := make([]byte, 1<<20)
	buf = buf[:runtime.Stack(buf, true)]
	var first, rest []string
	for stack := range strings.SplitSeq(string(bytes.TrimSpace(buf)), "\n\n") {
		if strings.Contains(stack, "/startup.labelled(") {
			first = append(first, stack)
		} else {
			rest = append(rest, stack)
		}
	}
	return strings.Join(append(first, rest...), "\n\n")
}
