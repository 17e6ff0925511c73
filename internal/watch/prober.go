package watch

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/core"
	"github.com/aweigh/aweigh/internal/probe"
)

// probers ask all instances that can be asked.
type probers struct {
	tell    func(aweigh.Fact)
	warn    func(string)
	count   func(*core.Instance) func(up, ok bool, took time.Duration)
	lines   func(id string) []string // the last of its output
	cause   func(ctx context.Context, id string) *aweigh.Cause
	asked   atomic.Int64
	running sync.WaitGroup
	each    map[string]*prober // by instance; belongs to the fold's goroutine
}

// prober asks one life of an instance until that ends.
type prober struct {
	life   string // the start's id
	addr   string // of the instance
	up     atomic.Bool
	cancel context.CancelFunc
}

// keepUp starts and ends the asking of an instance as its life begins and ends.
func (p *probers) keepUp(ctx context.Context, i *core.Instance) {
	one := p.each[i.ID]
	alive := i.Life != nil && i.Life.Alive
	moved := one != nil && i.Container.Addr != "" && i.Container.Addr != one.addr
	if one != nil && (!alive || moved || one.life != i.Life.Start.ID) {
		one.cancel()
		delete(p.each, i.ID)
		one = nil
	}
	if !alive {
		return
	}
	if one == nil {
		q, err := questionOf(i)
		if err != nil {
			p.warn(err.Error())
		}
		ctx, cancel := context.WithCancel(ctx)
		one = &prober{life: i.Life.Start.ID, addr: i.Container.Addr, cancel: cancel}
		p.each[i.ID] = one
		if len(q.targets) > 0 {
			settings := i.Settings
			id := i.ID
			q.count = p.count(i)
			p.running.Go(func() { p.run(ctx, one, id, q, settings) })
		}
		if ports := publishedOf(i); len(ports) > 0 {
			p.running.Go(func() { p.reach(ctx, one, i.ID, ports, i.Settings) })
		}
	}
	one.up.Store(i.Life.Up)
}

func (p *probers) forget(id string) {
	if one := p.each[id]; one != nil {
		one.cancel()
		delete(p.each, id)
	}
}

// pace is how long to wait between two looks at a start that has lasted for so
// long: a refused connection costs 50 µs.
func pace(waited time.Duration) time.Duration {
	switch {
	case waited < 2*time.Second:
		return 20 * time.Millisecond
	case waited < 20*time.Second:
		return 100 * time.Millisecond
	case waited < 5*time.Minute:
		return time.Second
	}
	return 5 * time.Second
}

// turn is when an instance that is up is asked: once in each interval. Those
// that came up together are not asked together, and yet those whose turns are
// near to each other are: to wake up costs more than to ask, and hundreds of
// services would wake this process hundreds of times.
type turn struct {
	interval, offset time.Duration
}

// turns is how many there are in an interval.
const turns = 20

func newTurn(interval time.Duration) turn {
	return turn{interval, time.Duration(rand.IntN(turns)) * (interval / turns)}
}

// next is the time until the next turn after now.
func (t turn) next(now time.Time) time.Duration {
	if t.interval <= 0 {
		return time.Second
	}
	since := time.Duration(now.UnixNano()) - t.offset
	return t.interval - since%t.interval
}

// run asks until the life ends. Facts are few: a failure is told when it is
// another one than before, or counts towards the retries of a service that is
// up; a success when it follows failures.
func (p *probers) run(ctx context.Context, one *prober, id string, q question, s core.Settings) {
	began := time.Now()
	proven := false
	var last string // the failure told last
	failures := 0
	turn := newTurn(s.Interval)
	for {
		asked := time.Now()
		target, r := p.ask(ctx, q, s.Timeout)
		if ctx.Err() != nil {
			return
		}
		up := proven || one.up.Load()
		q.count(up, r.OK, time.Since(asked))
		fact := aweigh.Fact{Kind: aweigh.FactAnswered, At: time.Now().UTC(), Instance: id, OK: r.OK, Target: target.String()}
		switch {
		case r.OK:
			if !proven || failures > 0 {
				p.tell(fact)
			}
			if !proven {
				q.targets = []probe.Target{target} // the one that answered
			}
			proven, failures, last = true, 0, ""
		default:
			failures++
			fact.Reason = r.Reason
			if up && failures == s.Retries {
				fact.Lines = p.lines(id)
				fact.Cause = p.cause(ctx, id)
			}
			if up && failures <= s.Retries || r.Reason != last {
				p.tell(fact)
				last = r.Reason
			}
		}
		pause := turn.next(time.Now())
		if !proven && !up {
			pause = pace(time.Since(began))
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// reach asks the ports that an instance publishes, once it is up, until one of them
// takes a connection: from then on they lead somewhere, and whether that serves is
// the proof's affair. It is told when nothing has listened on any of them for as many
// turns as a probe may fail, and when something does after that.
func (p *probers) reach(ctx context.Context, one *prober, id string, ports []probe.Target, s core.Settings) {
	refused := 0
	for turn := newTurn(s.Interval); ; {
		select {
		case <-ctx.Done():
			return
		case <-time.After(turn.next(time.Now())):
		}
		if !one.up.Load() {
			continue
		}
		nobody, ok := p.listens(ctx, ports, s.Timeout)
		if ctx.Err() != nil {
			return
		}
		fact := aweigh.Fact{Kind: aweigh.FactReached, At: time.Now().UTC(), Instance: id, OK: ok}
		switch {
		case ok:
			p.tell(fact)
			return
		case !nobody:
			refused = 0 // a firewall may keep this host out, and let others in
			continue
		}
		if refused++; refused == s.Retries {
			fact.Lines = p.lines(id)
			if c := p.cause(ctx, id); c != nil && (c.ID == "bound-to-localhost" || c.ID == "wrong-port") {
				fact.Cause = c // no other cause is one for which it would be ready
			}
			p.tell(fact)
		}
	}
}

// listens reports whether one of the ports takes a connection, else whether it is
// certain that nobody listens on any.
func (p *probers) listens(ctx context.Context, ports []probe.Target, timeout time.Duration) (nobody, ok bool) {
	nobody = true
	for _, port := range ports {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		r := probe.Run(ctx, port, nil)
		cancel()
		p.asked.Add(1)
		if r.OK {
			return false, true
		}
		nobody = nobody && r.Kind == probe.KindRefused
	}
	return nobody, false
}

// ask asks the targets in turn until one answers well.
func (p *probers) ask(ctx context.Context, q question, timeout time.Duration) (t probe.Target, r probe.Result) {
	for n, target := range q.targets {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		answer := probe.Run(ctx, target, q.want)
		cancel()
		p.asked.Add(1)
		if answer.OK || n == 0 {
			t, r = target, answer
		}
		if answer.OK {
			return t, r
		}
	}
	return t, r
}
