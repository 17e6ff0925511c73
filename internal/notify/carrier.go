package notify

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/filelock"
)

// carrier carries the letters of one route.
type carrier struct {
	route  Route
	sender *Sender
	outbox Outbox
	log    *slog.Logger
	woken  chan struct{}
	hours  *hours // nil: never quiet

	urgent   flood // of what must be told at night
	news     flood // of all else, which never makes that wait
	pause    pause
	unmarked []int64 // taken by the other side, and not marked as sent yet
	eager    bool    // the next pass waits for no letter that has failed
	// refused counts how often each letter was refused for good: tries that met
	// nobody say nothing about that.
	refused map[int64]int
}

func newCarrier(outbox Outbox, r Route, s *Sender, log *slog.Logger) *carrier {
	c := &carrier{route: r, sender: s, outbox: outbox, log: log.With("route", r.Name), woken: make(chan struct{}, 1), refused: map[int64]int{},
		urgent: flood{first: UrgentInterval}, news: flood{first: Interval}}
	if r.Quiet != nil {
		c.hours, _ = r.Quiet.compile() // Parse has complained
	}
	return c
}

// await waits for the route's turn, for as long as wanted says so and ctx lasts.
func (c *carrier) await(ctx context.Context, turn func(string) (func(), error), wanted func() bool) (done func(), ok bool) {
	if turn == nil {
		return func() {}, true
	}
	for wanted() {
		done, err := turn(c.route.Name)
		switch {
		case err == nil:
			return done, true
		case !errors.Is(err, filelock.ErrTaken):
			// A disk that is full keeps nobody from being told.
			c.log.Warn("whether another process delivers cannot be seen", "event", "notify.turn", "error", err)
			return func() {}, true
		}
		select {
		case <-ctx.Done():
			return nil, false
		case <-time.After(turnEvery):
		}
	}
	return nil, false
}

// run looks into the outbox whenever it is woken or something is due.
func (c *carrier) run(ctx context.Context) {
	for ctx.Err() == nil {
		next := c.pass(ctx)
		wait := lookEvery
		if !next.IsZero() {
			wait = min(lookEvery, time.Until(next))
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-c.woken:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// pass delivers what is due now. It returns when something will be due, the
// zero time when nothing is known to be, and the past to be called again.
func (c *carrier) pass(ctx context.Context) (next time.Time) {
	if !c.confirm(ctx, nil) {
		return c.pause.after(time.Now())
	}
	if until := c.pause.until; time.Now().Before(until) {
		return until
	}
	letters, err := c.pending(ctx)
	if err != nil {
		if ctx.Err() == nil {
			c.log.Error("the outbox cannot be read", "event", "notify.outbox", "error", err)
		}
		return c.pause.after(time.Now())
	}
	if c.eager {
		for n := range letters {
			letters[n].Next = time.Time{}
		}
		c.eager = false
	}
	due, next := c.due(letters, time.Now())
	if len(due.night)+len(due.now) == 0 {
		return next
	}
	at, all := c.deliver(ctx, due)
	if all {
		return time.Now() // a failure has changed what is due when
	}
	return earlier(next, at)
}

// pending reads all of the route's letters, in pages.
func (c *carrier) pending(ctx context.Context) ([]Letter, error) {
	const page = 200
	var all []Letter
	after := int64(0)
	for {
		some, err := c.outbox.Pending(ctx, c.route.Name, after, page)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
		if len(some) < page {
			return all, nil
		}
		after = some[len(some)-1].ID
	}
}

// deliver hands over what is due. all is false when the rest has to wait until
// at, for the flood or for the server's sake.
func (c *carrier) deliver(ctx context.Context, due due) (at time.Time, all bool) {
	stuck := map[string]bool{} // threads whose order would be broken
	failures := 0
	hand := func(batch []Letter) bool {
		batch = without(batch, stuck)
		if len(batch) == 0 {
			return true
		}
		switch c.hand(ctx, batch) {
		case taken:
			failures = 0
			c.pause.reset()
			return true
		case refused:
			failures = 0
		case failed:
			failures++
		case broken:
			failures = 2
		}
		for _, l := range batch {
			stuck[l.Notification.Thread()] = true
		}
		return false
	}
	var reports []Letter
	due.night, due.now, reports = apart(due)
	for _, l := range reports {
		if hand([]Letter{l}); failures > 1 || ctx.Err() != nil {
			return c.pause.after(time.Now()), false
		}
	}
	for n := 0; len(due.night) > 0; due.night = due.night[n:] {
		n = c.together(len(due.night))
		hand(due.night[:n])
		// One message may be at fault; two that fail are the server.
		if failures > 1 || ctx.Err() != nil {
			return c.pause.after(time.Now()), false
		}
	}
	lane := func(rest []Letter, f *flood) (at time.Time, all bool) {
		for len(rest) > 0 {
			n := 1
			if f != nil {
				if rest = without(rest, stuck); len(rest) == 0 {
					break
				}
				if n = f.allow(time.Now(), len(rest)); n == 0 {
					return f.next(), false
				}
				n = min(n, mostInDigest)
			}
			if hand(rest[:n]) && f != nil {
				f.sent(time.Now())
			}
			if rest = rest[n:]; failures > 1 || ctx.Err() != nil {
				return c.pause.after(time.Now()), false
			}
		}
		return time.Time{}, true
	}
	if !c.sender.Digests {
		return lane(due.now, nil)
	}
	urgent, news := lanes(due.now)
	at, all = lane(urgent, &c.urgent)
	if failures > 1 || ctx.Err() != nil {
		return at, all
	}
	later, rest := lane(news, &c.news)
	return earlier(at, later), all && rest
}

// lanes parts the incidents of which something must be told even at night from
// all others. What was said of such an incident before goes with it, since each
// thread keeps its order.
func lanes(letters []Letter) (urgent, news []Letter) {
	threads := map[string]bool{}
	for _, l := range letters {
		if !heldBack(l.Notification) {
			threads[l.Notification.Thread()] = true
		}
	}
	for _, l := range letters {
		if threads[l.Notification.Thread()] {
			urgent = append(urgent, l)
		} else {
			news = append(news, l)
		}
	}
	return urgent, news
}

// together is how many of n letters that waited for the end of quiet hours
// become one message.
func (c *carrier) together(n int) int {
	if c.sender.Digests {
		return min(n, mostInDigest)
	}
	return 1
}

// outcome is what became of a message.
type outcome int

const (
	taken   outcome = iota
	refused         // for good: the message's fault
	failed          // for now
	broken          // nothing is known, or nothing could be written down: stop
)

// hand hands one message over and writes down what became of it.
func (c *carrier) hand(ctx context.Context, batch []Letter) outcome {
	ids := make([]int64, len(batch))
	all := make([]*aweigh.Notification, len(batch))
	for i, l := range batch {
		ids[i], all[i] = l.ID, l.Notification
	}
	began := time.Now()
	err := c.send(ctx, Digest(all))
	var known *Error
	switch {
	case err == nil:
		c.log.Info("sent", "event", "notify.sent", "letters", len(batch), "thread", batch[0].Notification.Thread(), "took_ms", time.Since(began).Milliseconds())
		return c.mark(ctx, ids)
	case errors.As(err, &known) && known.Partly:
		c.log.Warn("sent to some only", "event", "notify.partly", "error", err)
		return c.mark(ctx, ids)
	case ctx.Err() != nil:
		return broken // we were stopped in the middle: it is tried again next time
	case known != nil && known.Some && waited(batch) >= WaitForSome:
		c.log.Warn("sent to some only", "event", "notify.partly", "error", err)
		return c.mark(ctx, ids)
	}
	permanent := known != nil && known.Permanent
	if permanent && len(batch) > 1 {
		return c.alone(ctx, batch, err)
	}
	return c.failed(ctx, batch, err, permanent)
}

// waited is for how long a message has been tried, by its oldest letter.
func waited(batch []Letter) (longest time.Duration) {
	for _, l := range batch {
		if !l.FailedFirst.IsZero() {
			longest = max(longest, time.Since(l.FailedFirst))
		}
	}
	return longest
}

// aloneRefused is how many letters of a digest are refused by themselves, one
// after the other, until it is held to be the route's fault and not theirs.
const aloneRefused = 5

// alone hands the letters of a digest that was refused for good over one by one:
// what a filter does not like may be a single line, and the others must not be lost
// with it.
func (c *carrier) alone(ctx context.Context, batch []Letter, why error) outcome {
	worst, row := taken, 0
	stuck := map[string]bool{} // threads whose order would be broken
	for n, l := range batch {
		if row == aloneRefused {
			return c.failed(ctx, without(batch[n:], stuck), why, true)
		}
		if stuck[l.Notification.Thread()] {
			continue
		}
		switch o := c.hand(ctx, []Letter{l}); o {
		case taken:
			row = 0
		case refused:
			row++
			worst, stuck[l.Notification.Thread()] = refused, true
		default:
			return o
		}
	}
	return worst
}

// send gives a try that has begun a moment to end when ctx does: a mail that
// is cut off between the last byte and the server's answer arrives twice.
func (c *carrier) send(ctx context.Context, m *Message) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	inner, cancel := context.WithTimeout(context.WithoutCancel(ctx), SendTimeout)
	defer cancel()
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-inner.Done():
		case <-time.After(Grace):
			cancel()
		}
	})
	defer stop()
	return c.sender.Send(inner, m)
}

func (c *carrier) mark(ctx context.Context, ids []int64) outcome {
	if !c.confirm(ctx, ids) {
		return broken
	}
	return taken
}

// confirm writes down what the other side has taken. Until that has succeeded
// nothing else is sent: it would be sent again after a crash.
func (c *carrier) confirm(ctx context.Context, ids []int64) bool {
	c.unmarked = append(c.unmarked, ids...)
	if len(c.unmarked) == 0 {
		return true
	}
	if err := c.outbox.Sent(context.WithoutCancel(ctx), c.unmarked); err != nil {
		c.log.Error("the outbox cannot be written", "event", "notify.outbox", "error", err)
		return false
	}
	for _, id := range c.unmarked {
		delete(c.refused, id)
	}
	c.unmarked = nil
	return true
}

// failed counts a try, and gives up those letters whose time has come.
func (c *carrier) failed(ctx context.Context, batch []Letter, why error, permanent bool) outcome {
	ctx = context.WithoutCancel(ctx)
	now := time.Now()
	var again, dead []int64
	tries := 0
	for _, l := range batch {
		tries = max(tries, l.Tries)
		if permanent {
			c.refused[l.ID]++
		}
		old := !l.FailedFirst.IsZero() && now.Sub(l.FailedFirst) >= GiveUp && l.Tries+1 >= leastTries
		if old || permanent && c.refused[l.ID] >= PermanentTries {
			dead = append(dead, l.ID)
			delete(c.refused, l.ID)
		} else {
			again = append(again, l.ID)
		}
	}
	var errs []error
	if len(dead) > 0 {
		c.log.Error("given up", "event", "notify.dead", "letters", len(dead), "tries", tries+1, "error", why)
		errs = append(errs, c.outbox.Dead(ctx, dead, why.Error(), now))
	}
	if len(again) > 0 {
		wait := backoff(tries + 1)
		if permanent {
			wait = max(wait, PermanentPause)
		}
		next := now.Add(wait)
		c.log.Warn("not taken", "event", "notify.failed", "letters", len(again), "tries", tries+1, "next", next, "error", why)
		errs = append(errs, c.outbox.Failed(ctx, again, why.Error(), now, next))
	}
	if err := errors.Join(errs...); err != nil {
		c.log.Error("the outbox cannot be written", "event", "notify.outbox", "error", err)
		return broken
	}
	if permanent {
		return refused
	}
	return failed
}
