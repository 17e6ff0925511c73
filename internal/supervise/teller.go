package supervise

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"sync"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/probe"
	"github.com/aweigh/aweigh/internal/record"
)

// teller sends verdicts to webhooks. The record is its outbox: what could not
// be delivered before the process ended is sent by the next start.
type teller struct {
	urls    []string
	warn    func(string)
	stop    context.CancelFunc
	stopped context.Context
	pending sync.WaitGroup
}

// verdictSent is the event that says that a verdict was delivered; its reason
// names where to.
const verdictSent = "notify.sent"

func newTeller(urls []string, warn func(string)) *teller {
	t := &teller{urls: urls, warn: warn}
	t.stopped, t.stop = context.WithCancel(context.Background())
	return t
}

// notification is the JSON body: the start itself, and a sentence that chat
// services show as it is.
type notification struct {
	Event string `json:"event"`
	Text  string `json:"text"`
	aweigh.Start
}

// verdict sends a start's verdict to all but those that have it, and does not wait
// for it. delivered is called for each that has taken it.
func (t *teller) verdict(s aweigh.Start, have map[string]bool, delivered func(where string)) {
	for _, link := range t.urls {
		if have[place(link)] {
			continue
		}
		t.pending.Go(func() {
			if t.deliver(link, s) {
				delivered(place(link))
			}
		})
	}
}

// deliver tries until the other end has taken it, or the process ends.
func (t *teller) deliver(link string, s aweigh.Start) bool {
	n := notification{Event: record.StartFailed, Start: s}
	switch s.Verdict {
	case aweigh.Ready:
		n.Event = record.StartReady
		n.Text = fmt.Sprintf("%s is ready", s.Service)
	default:
		n.Text = fmt.Sprintf("%s %s: %s", s.Service, s.Verdict, s.Reason)
	}
	body, err := json.Marshal(n)
	if err != nil {
		return false
	}
	for pause := time.Second; ; pause = min(2*pause, time.Minute) {
		ctx, cancel := context.WithTimeout(t.stopped, 10*time.Second)
		status, err := probe.Post(ctx, link, "application/json", body)
		cancel()
		switch {
		case err == nil && status/100 == 2:
			return true
		case t.stopped.Err() != nil:
			return false
		case err == nil && status/100 == 4 && status != 408 && status != 429:
			t.warn(fmt.Sprintf("%s does not take the verdict: HTTP status %d: check the --notify URL", place(link), status))
			return false
		case err != nil && pause == time.Second:
			t.warn(fmt.Sprintf("the verdict could not be sent, and is tried again: %v", err))
		}
		select {
		case <-time.After(pause):
		case <-t.stopped.Done():
			return false
		}
	}
}

// close gives what is under way a last second. The next start sends the rest.
func (t *teller) close() {
	done := make(chan struct{})
	go func() { t.pending.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(time.Second):
	}
	t.stop()
	select {
	case <-done:
	case <-time.After(100 * time.Millisecond):
	}
}

// place is a webhook without its path, which may be a secret.
func place(link string) string {
	u, err := url.Parse(link)
	if err != nil {
		return "a --notify URL"
	}
	return u.Scheme + "://" + u.Host
}

// resend sends the verdicts of starts before this one that were not delivered:
// the process had to end first.
func (s *supervisor) resend(dir *record.Dir) {
	if len(s.Notify) == 0 {
		return
	}
	records, _ := dir.Records(s.Service)
	for _, r := range records[max(0, len(records)-10):] {
		if r.ID() >= s.id || r.Live() || time.Since(began(r)) > 24*time.Hour {
			continue
		}
		events, _ := r.Events()
		sent := map[string]bool{}
		for _, e := range events {
			if e.Event == verdictSent {
				sent[e.Reason] = true
			}
		}
		start := r.Start()
		if !start.Verdict.Failed() {
			continue
		}
		s.tell.verdict(start, sent, func(where string) {
			r.Append(record.Event{Event: verdictSent, Reason: where})
		})
	}
}

func began(r *record.Record) time.Time {
	at, _ := aweigh.IDTime(r.ID())
	return at
}
