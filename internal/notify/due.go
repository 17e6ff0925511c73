package notify

import (
	"time"

	"github.com/aweigh/aweigh"
)

// due are letters that may go now, each thread in its order.
type due struct {
	night []Letter // those that quiet hours held back
	now   []Letter
}

// due chooses among letters, which are in order. next is when another one will
// be due, the zero time if none will.
func (c *carrier) due(letters []Letter, now time.Time) (d due, next time.Time) {
	waits := map[string]bool{}   // threads with an earlier letter that must wait
	evening := map[string]bool{} // threads with an earlier letter that is due, and not of the night
	until, quiet := time.Time{}, false
	if c.hours != nil {
		until, quiet = c.hours.until(now)
	}
	urgent := map[string]bool{}
	if quiet {
		// What grew critical at night is told at night, and what was said of it
		// before goes first: else the morning would bring stale news.
		for _, l := range letters {
			if !heldBack(l.Notification) {
				urgent[l.Notification.Thread()] = true
			}
		}
	}
	for _, l := range letters {
		thread := l.Notification.Thread()
		switch {
		case waits[thread]:
		case l.Next.After(now) && l.Next.Sub(now) <= 2*maxBackoff: // more is a clock that was set back since
			waits[thread] = true
			next = earlier(next, l.Next)
		case quiet && !urgent[thread]:
			waits[thread] = true
			next = earlier(next, until)
		case !quiet && c.wasHeldBack(l.Notification) && !evening[thread]:
			d.night = append(d.night, l)
		default:
			evening[thread] = true // what comes after it must not go before it
			d.now = append(d.now, l)
		}
	}
	return d, next
}

// apart takes the reports out: each is a message of its own, and no digest has
// room for it.
func apart(d due) (night, now, reports []Letter) {
	pick := func(letters []Letter) (rest []Letter) {
		for _, l := range letters {
			if l.Notification.Page != nil {
				reports = append(reports, l)
			} else {
				rest = append(rest, l)
			}
		}
		return rest
	}
	return pick(d.night), pick(d.now), reports
}

// wasHeldBack needs no memory, and so survives a restart.
func (c *carrier) wasHeldBack(n *aweigh.Notification) bool {
	return c.hours != nil && heldBack(n) && c.hours.quiet(n.At)
}

// earlier is the earlier of two times, of which zero ones do not count.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// without leaves out the letters of threads that are stuck.
func without(letters []Letter, stuck map[string]bool) []Letter {
	if len(stuck) == 0 {
		return letters
	}
	var rest []Letter
	for _, l := range letters {
		if !stuck[l.Notification.Thread()] {
			rest = append(rest, l)
		}
	}
	return rest
}
