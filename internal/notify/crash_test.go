package notify

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aweigh/aweigh"
)

// mortal is a deliverer's life: from a random call on, nothing that it does has
// any effect, as if the process had been killed there.
type mortal struct {
	*box
	calls int
	dies  int // before that call
	end   func()
}

func (m *mortal) alive() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls++
	if m.calls == m.dies {
		m.end()
	}
	return m.calls < m.dies
}

func (m *mortal) Pending(ctx context.Context, route string, after int64, limit int) ([]Letter, error) {
	if !m.alive() {
		return nil, errBox
	}
	return m.box.Pending(ctx, route, after, limit)
}

func (m *mortal) Sent(ctx context.Context, ids []int64) error {
	if !m.alive() {
		return errBox
	}
	return m.box.Sent(ctx, ids)
}

func (m *mortal) Failed(ctx context.Context, ids []int64, why string, at, next time.Time) error {
	if !m.alive() {
		return errBox
	}
	return m.box.Failed(ctx, ids, why, at, next)
}

func (m *mortal) Dead(ctx context.Context, ids []int64, why string, at time.Time) error {
	if !m.alive() {
		return errBox
	}
	return m.box.Dead(ctx, ids, why, at)
}

// Whenever the deliverer is killed and whatever fails: every letter arrives, in
// the order of its thread, and none again once it was marked as sent.
func TestNothingIsLostReorderedOrRepeated(t *testing.T) {
	for seed := range uint64(150) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				lives(t, rand.New(rand.NewPCG(seed, 1)), rand.New(rand.NewPCG(seed, 2)))
			})
		})
	}
}

// lives lets r play the world and luck the server, each in its own goroutine.
func lives(t *testing.T, r, luck *rand.Rand) {
	b := newBox()
	people, letters, trouble := r.IntN(2) == 0, 1+r.IntN(40), r.IntN(60)
	route := Route{Name: "r"}
	if r.IntN(3) == 0 {
		route.Quiet = &QuietHours{From: "00:01", To: "00:20", Zone: "UTC"}
	}
	confirmed := func(id int64) bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		_, sent := b.sent[id]
		return sent
	}
	first := map[string]int64{} // the newest letter of each thread that has arrived
	arrived := map[int64]bool{}
	var life *mortal
	s := &server{takes: time.Duration(r.IntN(50)) * time.Millisecond}
	s.fails = func(m *Message) error {
		if !life.alive() {
			return temporary("killed before it was handed over")
		}
		if luck.IntN(100) < trouble {
			return temporary("trouble")
		}
		for _, n := range m.Notifications {
			id, _ := strconv.ParseInt(n.ID, 10, 64)
			if confirmed(id) {
				t.Errorf("letter %d arrives again after it was marked as sent", id)
			}
			if !arrived[id] && id < first[n.Thread()] {
				t.Errorf("letter %d of %s arrives after %d", id, n.Thread(), first[n.Thread()])
			}
			arrived[id] = true
			first[n.Thread()] = max(first[n.Thread()], id)
		}
		if luck.IntN(100) < trouble/4 {
			return temporary("taken, and the answer was lost")
		}
		return nil
	}
	added := 0
	for n := 0; added < letters || len(b.sent) < letters; n++ {
		if n > 200 {
			t.Fatalf("%d of %d letters sent after 200 lives", len(b.sent), letters)
		}
		ctx, cancel := context.WithCancel(context.Background())
		life = &mortal{box: b, dies: 1 + r.IntN(40), end: cancel}
		if n > 150 {
			life.dies = 1 << 30 // one that lives long enough
		}
		wake, stop := run(life, s, people, route)
		for added < letters && ctx.Err() == nil && r.IntN(4) > 0 {
			b.add("r", fmt.Sprint("thread", r.IntN(4)), []aweigh.Severity{aweigh.Critical, aweigh.Warning}[r.IntN(2)])
			added++
			wake()
			time.Sleep(time.Duration(r.IntN(20_000)) * time.Millisecond)
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Duration(r.IntN(3600)) * time.Second):
		}
		stop()
		cancel()
	}
	if len(b.dead) > 0 {
		t.Errorf("given up: %v", b.dead)
	}
}
