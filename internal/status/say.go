package status

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/store"
)

// Word is what a person says, and who it is.
type Word struct {
	By   string
	Text string // may be empty where the act says enough
}

// maxWord bounds a text, in bytes: it is kept with each incident, and sent.
const maxWord = 2000

func (w Word) check() error {
	switch {
	case len(w.Text) > maxWord:
		return &Refused{fmt.Sprintf("the text has %d bytes, at most %d are kept: shorten it", len(w.Text), maxWord)}
	case !utf8.ValidString(w.Text):
		return &Refused{"the text is not UTF-8"}
	}
	return nil
}

// Refused says why something cannot be done: it is the asker's to mend.
type Refused struct{ Why string }

func (r *Refused) Error() string { return r.Why }

// Acknowledge says that somebody is on an incident. The beginning of its id is
// enough. A watcher that does not run takes note when it starts.
func Acknowledge(ctx context.Context, st *store.Store, id string, w Word) (aweigh.Incident, error) {
	return say(ctx, st, aweigh.FactAcknowledged, id, w)
}

// Resolve ends an incident by hand.
func Resolve(ctx context.Context, st *store.Store, id string, w Word) (aweigh.Incident, error) {
	return say(ctx, st, aweigh.FactResolved, id, w)
}

// Comment keeps a text with an incident, open or not.
func Comment(ctx context.Context, st *store.Store, id string, w Word) (aweigh.Incident, error) {
	if strings.TrimSpace(w.Text) == "" {
		return aweigh.Incident{}, &Refused{"the comment is empty: write something"}
	}
	return say(ctx, st, aweigh.FactCommented, id, w)
}

func say(ctx context.Context, st *store.Store, kind aweigh.FactKind, id string, w Word) (aweigh.Incident, error) {
	if err := w.check(); err != nil {
		return aweigh.Incident{}, err
	}
	n, err := st.Incident(ctx, id)
	switch {
	case errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrAmbiguous):
		return n, fmt.Errorf("incident %q: %w (see: incidents --all)", id, err)
	case err != nil:
		return n, err
	case !n.Open() && kind != aweigh.FactCommented:
		return n, &Refused{fmt.Sprintf("incident %s was resolved at %s: %s", n.ID, n.Resolved.Format("2006-01-02 15:04:05 MST"), n.Resolution)}
	case kind == aweigh.FactAcknowledged && n.Acknowledged != nil:
		return n, &Refused{fmt.Sprintf("incident %s was acknowledged by %s already", n.ID, n.Acknowledged.By)}
	}
	return n, st.Post(ctx, aweigh.Fact{Kind: kind, At: time.Now().UTC(), Incident: n.ID, By: w.By, Reason: w.Text})
}

// maxWindow is the longest maintenance: what is muted for longer is forgotten.
const maxWindow = 31 * 24 * time.Hour

// BeginMaintenance begins a window for the services whose name matches a pattern
// of path.Match, "" for all.
func BeginMaintenance(ctx context.Context, st *store.Store, services string, length time.Duration, w Word) (aweigh.Maintenance, error) {
	now := time.Now().UTC()
	window := aweigh.Maintenance{ID: aweigh.NewID(now), Services: services, Until: now.Add(length), By: w.By, Note: w.Text}
	if err := w.check(); err != nil {
		return window, err
	}
	if _, err := path.Match(services, ""); err != nil || len(services) > 200 {
		return window, &Refused{fmt.Sprintf("%q is no pattern: a name, with * and ? for what may vary", services)}
	}
	if length <= 0 || length > maxWindow {
		return window, &Refused{"a maintenance lasts from a moment to 31 days: write how long, such as 30m or 2h"}
	}
	return window, st.Post(ctx, aweigh.Fact{Kind: aweigh.FactMaintenance, At: now, By: w.By, Window: &window})
}

// EndMaintenance ends a window early. The beginning of its id is enough.
func EndMaintenance(ctx context.Context, st *store.Store, id string) (aweigh.Maintenance, error) {
	all, err := Windows(ctx, st)
	if err != nil {
		return aweigh.Maintenance{}, err
	}
	all = slices.DeleteFunc(all, func(w aweigh.Maintenance) bool { return len(id) < 4 || !strings.HasPrefix(w.ID, strings.ToUpper(id)) })
	switch {
	case len(all) == 0:
		return aweigh.Maintenance{}, fmt.Errorf("there is no maintenance window %q (see: maintenance): %w", id, store.ErrNotFound)
	case len(all) > 1:
		return aweigh.Maintenance{}, fmt.Errorf("maintenance window %q: %w (see: maintenance)", id, store.ErrAmbiguous)
	}
	ended := all[0]
	ended.Until = time.Time{}
	return all[0], st.Post(ctx, aweigh.Fact{Kind: aweigh.FactMaintenance, At: time.Now().UTC(), Window: &ended})
}
