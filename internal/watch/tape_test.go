package watch

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aweigh/aweigh"
)

func newTape(began time.Time) *tape {
	return &tape{began: began, done: make(chan struct{}), dead: make(chan struct{}), room: make(chan struct{}),
		talked: func(time.Time) {}, told: func(aweigh.Fact) {}}
}

// An engine on a busy machine gives the log of a dead container once it has
// tidied up after it. The mail does not wait for that, the record does.
func TestLastWordsAreKeptHoweverLateTheEngineGivesThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one := newTape(time.Now())
		close(one.done) // the reading that followed has ended, and had nothing
		one.open = func(ctx context.Context, _ time.Time, _ int) (io.ReadCloser, bool, error) {
			select {
			case <-time.After(20 * time.Second):
				return io.NopCloser(strings.NewReader("fatal: no such database\n")), false, nil
			case <-ctx.Done():
				return nil, false, ctx.Err()
			}
		}
		e := &evidence{tapes: map[string][]*tape{"4f1c": {one}}, reading: t.Context()}
		before := time.Now()
		if e.last("4f1c", before); time.Since(before) > lastWait {
			t.Errorf("the mail waited for %s", time.Since(before))
		}
		e.running.Wait()
		if lines, _ := one.lines(); len(lines) != 1 {
			t.Errorf("kept: %q", lines)
		}
	})
}

// A service may print its first line before the fold knows of it, and none for
// hours after.
func TestOutputBeforeTheStartIsKnownIsToldAfterIt(t *testing.T) {
	var told []aweigh.Fact
	e := &evidence{tapes: map[string][]*tape{}, warned: map[string]bool{}, log: slog.New(slog.DiscardHandler),
		tell:    func(f aweigh.Fact) { told = append(told, f) },
		silence: func(*aweigh.Container) time.Duration { return 5 * time.Minute }}
	one := e.follow(t.Context(), &aweigh.Container{ID: "4f1c", Unreadable: "this test reads for it"}, time.Now(), time.Time{}, time.Time{})
	one.talked(time.Now())
	if len(told) != 0 {
		t.Errorf("told to a fold that does not know the start: %v", told)
	}
	if one.attach(nil); len(told) != 1 || told[0].Kind != aweigh.FactTalked {
		t.Errorf("told: %v", told)
	}
}

// The race detector saw an answer folded while the verdict before it was written.
func TestVerdictsOfARecordDoNotChangeWithLaterAnswers(t *testing.T) {
	s := aweigh.Start{Verdict: aweigh.Ready, Probe: &aweigh.Probe{Target: "tcp://172.17.0.2:80", Attempts: 3}}
	e := verdictEvent(&s, time.Time{})
	s.Probe.Target = "tcp://172.17.0.2:81"
	if e.Probe.Target != "tcp://172.17.0.2:80" || e.Probe.Attempts != 3 {
		t.Errorf("the event says %+v", e.Probe)
	}
}
