package signals

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Evaluate asks once, with now as the end of the window, and judges. It takes
// no longer than the signal's timeout. What goes wrong is told as a reading
// whose state is Broken; so is the end of ctx, which a caller may not want to
// take for the source's fault.
func (c *Compiled) Evaluate(ctx context.Context, now time.Time) Reading {
	s := &c.signal
	r := Reading{Name: s.Name, At: now.UTC()}
	limited, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	got, err := c.ask(limited, window{until: r.At, length: s.Window})
	if err == nil {
		r.Values = got.numbers()
		var bad bool
		if bad, err = c.rule.judge(got); err == nil {
			r.State = OK
			if bad {
				r.State = Breached
			}
			r.Why = c.why(c.rule.told(got))
			return r
		}
	}
	var none *noNumber
	switch {
	case errors.As(err, &none):
		r.State, r.Why = c.missing(none)
	case ctx.Err() == nil && limited.Err() != nil:
		// What drivers say of a deadline differs, and helps nobody.
		r.State, r.Why = Broken, fmt.Sprintf("no answer within %s: is the source up, and the query fast enough?", s.Timeout)
	default:
		r.State, r.Why = Broken, err.Error()
	}
	r.Why = oneLine(c.secrets.hide(r.Why))
	return r
}

// missing says what the signal's policy makes of a number that is not there.
func (c *Compiled) missing(none *noNumber) (State, string) {
	switch c.signal.Missing {
	case MissingOK:
		return OK, c.why(none.Error() + ", which counts as ok")
	case MissingAlert:
		return Breached, c.why(none.Error() + ", which counts as breached")
	}
	return Missing, c.why(none.Error())
}

func (c *Compiled) why(numbers string) string {
	return fmt.Sprintf("%s (rule: %s)", numbers, oneLine(c.signal.Rule))
}

// oneLine makes a text fit into one line of a log or a mail's subject.
func oneLine(text string) string {
	const most = 400
	text = strings.ToValidUTF8(strings.Join(strings.Fields(text), " "), "?")
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most-1]) + "…"
	}
	return text
}
