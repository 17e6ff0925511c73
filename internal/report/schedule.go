package report

import (
	"time"

	"github.com/aweigh/aweigh"
)

// reportHour is when reports come, by the host's clock: before the day's work.
const reportHour = 8

// Due is the newest time at or before now at which a report that comes "daily"
// or "weekly" (on Mondays) was due, and the one before: what it is about.
func Due(every string, now time.Time) (due, before time.Time) {
	days := 1
	if every == "weekly" {
		days = 7
	}
	at := func(back int) time.Time { // by the calendar: not every day has 24 hours
		return time.Date(now.Year(), now.Month(), now.Day()-back, reportHour, 0, 0, 0, now.Location())
	}
	back := 0
	if days == 7 {
		back = (int(now.Weekday()) + 6) % 7 // since Monday
	}
	if at(back).After(now) {
		back += days
	}
	return at(back), at(back + days)
}

// Notification is the report on its way to a route, as it was due then.
func (r *Report) Notification(every, route string, due time.Time) aweigh.Notification {
	n := aweigh.Notification{
		ID: DueID(every, route, due), Occasion: aweigh.OnReport, At: r.To, Host: r.Host,
		Title: r.Host + ": " + every + " report: " + r.Headline(), Page: r.Page(), Command: "aweigh report --since " + r.From.UTC().Format(time.RFC3339),
	}
	for _, i := range r.Attention[:min(len(r.Attention), 5)] {
		n.Facts = append(n.Facts, i.line())
	}
	return n
}

// DueID is the id of the notification that brings a report: the same for the
// same occasion, so that none comes twice.
func DueID(every, route string, due time.Time) string {
	return aweigh.DerivedID(due, "report|"+every+"|"+route)
}
