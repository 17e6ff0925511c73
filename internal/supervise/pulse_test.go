package supervise

import (
	"testing"
	"time"
)

func TestPulseBeatsUntilItIsStopped(t *testing.T) {
	for name, p := range map[string]*pulse{
		"timerfd":         newPulse(time.Millisecond),
		"without timerfd": startPulse(nil, time.Millisecond),
	} {
		t.Run(name, func(t *testing.T) {
			for range 3 {
				if !p.wait() {
					t.Fatal("it ended by itself")
				}
			}
			p.stop()
			for p.wait() { // one beat may have come before
			}
		})
	}
}

func TestPulseBeatsEarlyAndKeepsItsPace(t *testing.T) {
	p := newPulse(time.Hour)
	defer p.stop()
	p.now()
	p.wait()
	p.every(time.Millisecond)
	for range 3 {
		p.wait()
	}
}

func TestPulseStopsWhoWaits(t *testing.T) {
	p := newPulse(time.Hour)
	time.AfterFunc(time.Millisecond, p.stop)
	if p.wait() {
		t.Error("a beat came")
	}
}
