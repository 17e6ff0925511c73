package startup

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// A phase that calls a function which has a phase of its own: the end of the inner
// one was that of the outer, which then hung "between phases" and was not
// cancelled.
func TestAPhaseAroundAnotherIsOpenUntilItEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := begin(t, Options{Deadline: time.Minute, OnDeadline: func(*DeadlineError) {}})
		err := s.Phase(context.Background(), "database", func(ctx context.Context) error {
			time.Sleep(10 * time.Second)
			s.Phase(ctx, "migrations", func(context.Context) error { time.Sleep(5 * time.Second); return nil })
			select {
			case <-ctx.Done():
			case <-time.After(time.Hour):
			}
			return ctx.Err()
		})
		var missed *DeadlineError
		if !errors.As(err, &missed) || missed.Phase != "database" || missed.Elapsed != time.Minute {
			t.Errorf("%v", err)
		}
		want := []Phase{{"migrations", 5 * time.Second}, {"database", time.Minute}}
		if got := s.Phases(); len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
			t.Errorf("%v", got)
		}
	})
}

// Recovered panics are common in handlers of plugins: the phase was open for ever.
func TestAPhaseThatPanicsIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told := make(chan *DeadlineError, 1)
		s := begin(t, Options{Deadline: time.Minute, OnDeadline: func(e *DeadlineError) { told <- e }})
		func() {
			defer func() { recover() }()
			s.Phase(context.Background(), "plugins", func(context.Context) error { panic("one of them") })
		}()
		if e := <-told; e.Phase != "" {
			t.Errorf("%v", e)
		}
	})
}

func TestHealthBeforeTheFirstPhaseNamesNone(t *testing.T) {
	if notes := begin(t, Options{Deadline: -1}).Health().Notes; len(notes) != 1 || notes[0] != "starting" {
		t.Errorf("%q", notes)
	}
}
