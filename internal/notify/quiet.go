package notify

import (
	"fmt"
	"time"

	"github.com/aweigh/aweigh"
)

// Until reports whether it is quiet at the given time, and when that ends. The
// hours are those on a clock on the wall: in a night in which the clock is
// changed they are an hour shorter or longer.
func (q *QuietHours) Until(at time.Time) (end time.Time, quiet bool, err error) {
	h, err := q.compile()
	if err != nil {
		return time.Time{}, false, err
	}
	end, quiet = h.until(at)
	return end, quiet, nil
}

// hours are quiet hours, read.
type hours struct {
	from, to int // minutes of the day
	zone     *time.Location
}

func (q *QuietHours) compile() (*hours, error) {
	from, err := clock(q.From)
	if err != nil {
		return nil, err
	}
	to, err := clock(q.To)
	if err != nil {
		return nil, err
	}
	if from == to {
		return nil, fmt.Errorf("quiet hours from %s to %s are empty", q.From, q.To)
	}
	zone := time.Local
	if q.Zone != "" {
		if zone, err = time.LoadLocation(q.Zone); err != nil {
			return nil, fmt.Errorf("quiet hours: no time zone %q: write one such as Europe/Berlin", q.Zone)
		}
	}
	return &hours{from, to, zone}, nil
}

func clock(text string) (int, error) {
	if text == "24:00" {
		return 0, nil
	}
	t, err := time.Parse("15:04", text)
	if err != nil {
		return 0, fmt.Errorf("quiet hours: %q is not a time of day such as 22:00", text)
	}
	return t.Hour()*60 + t.Minute(), nil
}

func (h *hours) quiet(at time.Time) bool {
	if h == nil {
		return false
	}
	t := at.In(h.zone)
	m := t.Hour()*60 + t.Minute()
	if h.from < h.to {
		return m >= h.from && m < h.to
	}
	return m >= h.from || m < h.to
}

// until walks along the clock by the minute: a day in which an hour is missing
// or comes twice needs no rule of its own then.
func (h *hours) until(at time.Time) (time.Time, bool) {
	if !h.quiet(at) {
		return time.Time{}, false
	}
	end := at.Truncate(time.Minute)
	for h.quiet(end) {
		end = end.Add(time.Minute)
	}
	return end, true
}

// heldBack reports whether quiet hours hold n back while they last.
func heldBack(n *aweigh.Notification) bool {
	return n.Severity() != aweigh.Critical && n.Occasion != aweigh.OnTest
}
