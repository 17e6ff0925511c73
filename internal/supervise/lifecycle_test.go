package supervise

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

var t0 = time.Date(2026, 11, 23, 3, 12, 7, 0, time.UTC)

func newLife() *lifecycle { return newLifecycle(t0, 120*time.Second, 10*time.Second, 10*time.Second) }

// into brings a life cycle into each state.
var into = map[state]func(l *lifecycle){
	starting:   func(l *lifecycle) {},
	serving:    func(l *lifecycle) { l.proven(t0) },
	inspecting: func(l *lifecycle) { l.timeout(l.timer) },
	stopping:   func(l *lifecycle) { l.stop(t0) },
	killing:    func(l *lifecycle) { l.stop(t0); l.timeout(l.timer) },
	draining:   func(l *lifecycle) { l.exited(t0) },
	sweeping:   func(l *lifecycle) { l.exited(t0); l.timeout(l.timer) },
}

func TestEveryStateHasAnArmedTimerThatLeadsOn(t *testing.T) {
	for s := starting; s < done; s++ {
		l := newLife()
		into[s](l)
		if l.state != s {
			t.Fatalf("meant %v, got %v", s, l.state)
		}
		if l.timer.IsZero() {
			t.Errorf("%v has no timer", s)
		}
		before, timer := l.state, l.timer
		actions := l.timeout(l.timer)
		if l.state == before && !(s == serving && slices.Contains(actions, ask)) && !(s == killing && slices.Contains(actions, kill)) {
			t.Errorf("the timer of %v leads nowhere", s)
		}
		if l.state != done && !l.timer.After(timer) {
			t.Errorf("after its timer %v is %v with a timer that is not later", before, l.state)
		}
	}
}

// Pebble can stay in backoff for ever because one path arms no timer. Here any
// history leaves a timer, and timers alone end whatever is not serving.
func TestNoHistoryLeadsIntoADeadEnd(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 7))
	for range 20_000 {
		l, now := newLife(), t0
		for range random.IntN(30) {
			now = now.Add(time.Duration(random.IntN(5000)) * time.Millisecond)
			switch random.IntN(9) {
			case 0:
				l.proven(now)
			case 1:
				l.extended(now, time.Duration(random.IntN(300))*time.Second)
			case 2:
				l.answered(now)
			case 3:
				l.unhealthy(now)
			case 4:
				l.stop(now)
			case 5:
				l.inspected(now)
			case 6:
				l.exited(now)
			case 7:
				l.alone()
			case 8:
				l.timeout(now)
			}
			if l.state != done && l.timer.IsZero() {
				t.Fatalf("%v has no timer", l.state)
			}
		}
		for steps := 0; l.state != done && l.state != serving; steps++ {
			if steps > 10 {
				t.Fatalf("still %v after ten timers", l.state)
			}
			l.timeout(l.timer)
		}
	}
}

func TestAMissedDeadlineIsInspectedBeforeItIsEnded(t *testing.T) {
	l := newLife()
	if got := l.timeout(l.timer); !slices.Equal(got, []action{inspect}) || !l.missedDeadline {
		t.Fatalf("at the deadline: %v", got)
	}
	if got := l.inspected(l.timer); !slices.Equal(got, []action{terminate}) {
		t.Fatalf("after the snapshot: %v", got)
	}
	if got := l.timeout(l.timer); !slices.Equal(got, []action{kill}) {
		t.Fatalf("after the grace: %v", got)
	}
}

func TestASecondStopDoesNotMoveTheGrace(t *testing.T) {
	l := newLife()
	l.stop(t0)
	ends := l.timer
	l.stop(t0.Add(5 * time.Second))
	if l.timer != ends {
		t.Errorf("the grace moved by %s", l.timer.Sub(ends))
	}
}

func TestTheDeadlineOnlyMovesOn(t *testing.T) {
	l := newLife()
	if l.extended(t0, time.Second) || l.timer != t0.Add(120*time.Second) {
		t.Error("a short extension shortened the start")
	}
	if l.allowed() != 120*time.Second {
		t.Errorf("it is told as %s", l.allowed())
	}
	if !l.extended(t0.Add(100*time.Second), 60*time.Second) || l.timer != t0.Add(160*time.Second) || l.allowed() != 160*time.Second {
		t.Errorf("the deadline is at %s", l.timer.Sub(t0))
	}
}

func TestAProofAfterTheDeadlineChangesNothing(t *testing.T) {
	l := newLife()
	l.timeout(l.timer)
	l.proven(l.timer)
	if l.state != inspecting {
		t.Errorf("it is %v", l.state)
	}
}
