package notify

import (
	"fmt"
	"strings"
	"time"

	"github.com/aweigh/aweigh"
)

// view is a notification as people see it: each text in it is harmless, but
// not yet escaped for HTML.
type view struct {
	State string // critical, warning, info, resolved, ready, test: one word for colour and sender
	Badge string // "CRITICAL", "STILL CRITICAL"
	Title string
	Where string // "webhook on aws-1"
	// About are the lines of the footer: kind, since when, how often.
	About    []string
	Facts    []string
	Cause    string
	From     string // whose evidence
	Evidence []string
	Advice   string
	Command  string
	Count    int // notifications of the same incident, in a digest
	thread   string
}

// look turns n into what people see.
func look(n *aweigh.Notification) view {
	v := view{
		State: state(n), Title: oneLine(n.Title), Advice: oneLine(n.Advice), Command: oneLine(n.Command),
		Where: where(n), From: "the service", Count: 1, thread: n.Thread(),
	}
	v.Badge = badge(n, v.State)
	for _, f := range n.Facts {
		v.Facts = append(v.Facts, oneLine(f))
	}
	if len(n.Facts) == 0 {
		v.Facts = facts(n)
	}
	if i := n.Incident; i != nil {
		v.Evidence = logLines(i.Evidence)
		v.About = append(v.About, oneLine(string(i.Kind)), "since "+moment(i.Opened))
		if i.Resolved != nil && n.Occasion == aweigh.OnResolved {
			v.About = append(v.About, "resolved "+moment(*i.Resolved)+", after "+span(i.Resolved.Sub(i.Opened)))
		}
		if i.Count > 1 {
			v.About = append(v.About, fmt.Sprintf("%d times", i.Count))
		}
		if a := i.Acknowledged; a != nil {
			v.About = append(v.About, strings.TrimSpace("acknowledged "+moment(a.At)+" "+by(a.By)))
		}
		if i.Drill != "" {
			v.About = append(v.About, "a drill: "+oneLine(i.Drill))
		}
		if i.Service != "" {
			v.From = oneLine(i.Service)
		}
		if v.Title == "" {
			v.Title = oneLine(v.Where + ": " + i.Summary)
		}
	} else {
		v.About = append(v.About, moment(n.At))
	}
	if v.Title == "" {
		v.Title = v.Badge + ": " + v.Where
	}
	v.Cause = cause(n)
	return v
}

func state(n *aweigh.Notification) string {
	switch {
	case n.Occasion == aweigh.OnResolved:
		return "resolved" // what is told as opened may be over as well, and is bad news
	case n.Occasion == aweigh.OnReady, n.Occasion == aweigh.OnTest, n.Occasion == aweigh.OnReport:
		return string(n.Occasion)
	}
	switch s := n.Severity(); s {
	case aweigh.Critical, aweigh.Warning:
		return string(s)
	}
	return string(aweigh.Info)
}

func badge(n *aweigh.Notification, state string) string {
	word := strings.ToUpper(state)
	switch n.Occasion {
	case aweigh.OnReminder:
		return "STILL " + word
	case aweigh.OnRaised:
		return "NOW " + word
	case aweigh.OnEscalated:
		return word + ", NOBODY HAS TAKEN IT ON"
	}
	return word
}

// services are those that n is about.
func services(n *aweigh.Notification) []string {
	switch {
	case n.Incident != nil && n.Incident.Service != "":
		return []string{n.Incident.Service}
	case len(n.Services) > 0:
		return n.Services
	case n.Start != nil && n.Start.Service != "":
		return []string{n.Start.Service}
	}
	return nil
}

func where(n *aweigh.Notification) string {
	names := services(n)
	if len(names) > 3 {
		names = append(append([]string{}, names[:3]...), fmt.Sprintf("%d more", len(names)-3))
	}
	host := n.Host
	if n.Incident != nil && n.Incident.Host != "" {
		host = n.Incident.Host
	}
	place := strings.Join(names, ", ")
	switch {
	case place == "":
		return oneLine(host)
	case host == "":
		return oneLine(place)
	}
	return oneLine(place + " on " + host)
}

// facts are what a notification without facts of its own still knows.
func facts(n *aweigh.Notification) []string {
	var all []string
	if s := n.Start; s != nil {
		if e := s.Exit; e != nil {
			text := fmt.Sprintf("exit status %d", e.Code)
			if e.Signal != "" {
				text += ", " + oneLine(e.Signal)
			}
			if e.OOM {
				text += ", the kernel's OOM killer was at work"
			}
			all = append(all, text)
		}
		if s.InARow > 1 {
			all = append(all, fmt.Sprintf("%d failed starts in a row", s.InARow))
		}
		if s.Reason != "" {
			all = append(all, oneLine(s.Reason))
		}
	}
	if n.Incident != nil && n.Incident.Resolution != "" {
		all = append(all, oneLine(n.Incident.Resolution))
	}
	return all
}

func cause(n *aweigh.Notification) string {
	c := (*aweigh.Cause)(nil)
	if n.Incident != nil && n.Incident.Cause != nil {
		c = n.Incident.Cause
	} else if n.Start != nil {
		c = n.Start.Cause
	}
	if !c.Named() {
		return ""
	}
	text := fmt.Sprintf("%s (%.0f %% sure)", oneLine(c.ID), c.Confidence*100)
	if c.Why != "" {
		text += ": " + strings.TrimSuffix(oneLine(c.Why), ".")
	}
	if c.Line != "" {
		text += ": " + oneLine(c.Line)
	}
	return text
}

func by(who string) string {
	if who == "" {
		return ""
	}
	return "by " + oneLine(who)
}

// moment is in UTC and says so: who reads it may be in another zone than the
// host.
func moment(t time.Time) string { return t.UTC().Format("2 Jan 2006 15:04:05 UTC") }

func span(d time.Duration) string {
	switch {
	case d < time.Minute:
		return d.Round(time.Second).String()
	case d < 48*time.Hour:
		return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24+0.5))
}
