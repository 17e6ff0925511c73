package notify

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/filelock"
)

// turns are taken while another process delivers.
type turns struct{ taken atomic.Bool }

func (t *turns) take(string) (func(), error) {
	if !t.taken.CompareAndSwap(false, true) {
		return nil, filelock.ErrTaken
	}
	return func() { t.taken.Store(false) }, nil
}

func elsewhere() *turns {
	t := &turns{}
	t.taken.Store(true)
	return t
}

func passing(b *box, s *server, turn *turns) *Deliverer {
	return &Deliverer{Turn: turn.take, carriers: []*carrier{newCarrier(b, Route{Name: "r"}, &Sender{Send: s.send, Close: func() {}, Digests: true}, discard)}}
}

func TestFlushEndsWhenNothingIsDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, s, turn, start := newBox(), &server{}, &turns{}, time.Now()
		b.add("r", "A", aweigh.Info)
		b.add("r", "B", aweigh.Info)
		passing(b, s, turn).Flush(t.Context())
		if got := s.story(start); got != "1@0 2@0" || turn.taken.Load() {
			t.Errorf("%s, and the turn was kept: %t", got, turn.taken.Load())
		}
	})
}

func TestFlushLeavesWhatIsNotTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := func(*Message) error { return temporary("nobody listens") }
		b, s, start := newBox(), &server{fails: down}, time.Now()
		id := b.add("r", "A", aweigh.Info)
		passing(b, s, &turns{}).Flush(t.Context())
		if l := b.letter(id); l.Tries != 1 || b.why[id] != "nobody listens" {
			t.Errorf("%d tries: %s", l.Tries, b.why[id])
		}
		b.add("r", "B", aweigh.Info)
		s.fails = nil
		passing(b, s, &turns{}).Flush(t.Context()) // which is no pause, but another process
		if got := s.story(start); got != "1@0 2@0" {
			t.Error(got)
		}
	})
}

func TestFlushLeavesTheRouteOfAnotherProcessAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, s, start := newBox(), &server{}, time.Now()
		b.add("r", "A", aweigh.Info)
		passing(b, s, elsewhere()).Flush(t.Context())
		if got := s.story(start); got != "" {
			t.Errorf("delivered twice: %s", got)
		}
		if waited := time.Since(start); waited < turnWait || waited > 2*turnWait {
			t.Errorf("it waited for %s", waited)
		}
	})
}

func TestRunWaitsForItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, s, turn, start := newBox(), &server{}, elsewhere(), time.Now()
		b.add("r", "A", aweigh.Critical)
		stop := background(passing(b, s, turn))
		time.Sleep(10 * time.Second)
		synctest.Wait()
		turn.taken.Store(false)
		time.Sleep(time.Second)
		stop()
		if got := s.story(start); got != "1@10" || turn.taken.Load() {
			t.Errorf("%s, and the turn was kept: %t", got, turn.taken.Load())
		}
	})
}

func TestADiskWithoutRoomForALockKeepsNobodyFromBeingTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, s, start := newBox(), &server{}, time.Now()
		b.add("r", "A", aweigh.Critical)
		d := passing(b, s, &turns{})
		d.Turn = func(string) (func(), error) { return nil, errBox }
		d.Flush(t.Context())
		if got := s.story(start); got != "1@0" {
			t.Error(got)
		}
	})
}
