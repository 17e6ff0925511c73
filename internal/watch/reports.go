package watch

import (
	"context"
	"fmt"
	"path"
	"slices"
	"time"

	"github.com/aweigh/aweigh/internal/notify"
	"github.com/aweigh/aweigh/internal/report"
	"github.com/aweigh/aweigh/internal/store"
)

// reportEvery is how often it is looked whether a report is due: often enough
// for a clock that was set, or a machine that slept.
const reportEvery = time.Minute

// sendReports puts the reports that are due into the outbox, until ctx ends.
func (w *watcher) sendReports(ctx context.Context) {
	routes := slices.DeleteFunc(slices.Clone(w.Routes), func(r notify.Route) bool { return r.Report == "" })
	if len(routes) == 0 {
		return
	}
	tick := time.NewTicker(reportEvery)
	defer tick.Stop()
	done := map[string]time.Time{} // by route: what was due last
	for {
		for _, r := range routes {
			due, before := report.Due(r.Report, time.Now())
			if done[r.Name].Equal(due) {
				continue
			}
			if err := w.sendReport(ctx, r, due, before, time.Now()); err != nil {
				if ctx.Err() == nil {
					w.Log.Error(fmt.Sprintf("the report for %s: %v", r.Name, err), "event", "warning")
				}
				continue
			}
			done[r.Name] = due
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// sendReport puts one into the outbox, unless it has been there. One that was
// due while no watcher ran comes late; one from before there was a watcher, not
// at all.
func (w *watcher) sendReport(ctx context.Context, r notify.Route, due, before, now time.Time) error {
	sent, err := w.store.HasLetter(ctx, r.Name, report.DueID(r.Report, r.Name, due))
	if err != nil || sent {
		return err
	}
	first, err := w.store.FirstFact(ctx)
	if err != nil || first.IsZero() || first.After(due) {
		return err
	}
	made, err := report.Make(ctx, report.Source{Store: w.store, Journals: w.Journals}, w.Config.Config.Objectives(), report.Scope{Host: w.Host, From: before.UTC(), To: now.UTC(), Covers: covered(r)})
	if err != nil {
		return err
	}
	letter := store.Letter{Route: r.Name, Notification: made.Notification(r.Report, r.Name, due)}
	if err := w.store.Commit(ctx, store.Batch{Letters: []store.Letter{letter}}); err != nil {
		return err
	}
	w.Log.Info(letter.Notification.Title, "event", "report", "route", r.Name)
	w.deliver.Wake()
	return nil
}

// covered chooses the services that a route is about.
func covered(r notify.Route) func(string) bool {
	if len(r.Services) == 0 {
		return nil
	}
	return func(service string) bool {
		return slices.ContainsFunc(r.Services, func(pattern string) bool {
			ok, err := path.Match(pattern, service)
			return ok && err == nil
		})
	}
}
