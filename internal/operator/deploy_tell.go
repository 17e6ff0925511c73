package operator

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/config"
	"github.com/aweigh/aweigh/internal/deploy"
	"github.com/aweigh/aweigh/internal/notify"
	"github.com/aweigh/aweigh/internal/store"
	"github.com/aweigh/aweigh/internal/watch"
)

// tellLimit is how long a deployment waits until its news are taken.
const tellLimit = 20 * time.Second

// teller tells people of a deployment, through the outbox of the state directory.
type teller struct {
	state  string
	routes []notify.Route
	out    *deploy.Progress
}

// deploymentRoutes are the routes of the configuration and those of the command
// line. Those have names of their own: a watcher's --notify is another one, and
// must not get the letters.
func deploymentRoutes(conf *config.Config, urls []string) ([]notify.Route, error) {
	routes, err := routesOf(conf, urls)
	if err != nil {
		return nil, err
	}
	all, named := routes[:len(routes)-len(urls)], routes[len(routes)-len(urls):]
	for _, r := range named {
		// The same URL is the same route in the next deployment. Its password is in
		// no name, not even as a hash.
		known := r.URL
		if u, err := url.Parse(known); err == nil {
			known = u.Redacted()
		}
		r.Name = fmt.Sprintf("deploy-%x", sha256.Sum256([]byte(known)))[:15]
		if !slices.ContainsFunc(all, func(other notify.Route) bool { return other.Name == r.Name }) {
			all = append(all, r)
		}
	}
	return all, nil
}

// tell puts a notification into the outbox and delivers it, unless a watcher does.
// The same id is told once, however often a deployment is resumed. What is not
// taken stays there, and is said.
func (t *teller) tell(ctx context.Context, n aweigh.Notification) {
	var letters []store.Letter
	var routes []notify.Route
	for _, r := range t.routes {
		if notify.Matches(r, &n) {
			routes, letters = append(routes, r), append(letters, store.Letter{Route: r.Name, Notification: n})
		}
	}
	if len(routes) == 0 {
		return
	}
	// The end of a deployment is told even when somebody interrupts it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tellLimit)
	defer cancel()
	left, err := t.post(ctx, routes, letters)
	if err != nil {
		t.out.Say("warning: what is told is kept nowhere: %v", err)
		for _, r := range routes {
			if err := send(ctx, r, &n); err != nil {
				t.out.Say("warning: route %s was not told: %v", r.Name, err)
			}
		}
	}
	for _, l := range left {
		if l.Notification.ID == n.ID {
			why := ""
			if l.Why != "" {
				why = " (" + l.Why + ")"
			}
			t.out.Say("warning: route %s was not told yet%s: the letter waits for a watcher, or for the next deployment", l.Route, why)
		}
	}
}

// post stores letters, has them delivered, and returns all that still wait.
func (t *teller) post(ctx context.Context, routes []notify.Route, letters []store.Letter) ([]store.Posted, error) {
	open := store.Open
	if hasStore(t.state) {
		open = store.OpenToRead // which may post as well, and leaves its making to the watcher
	}
	st, err := open(ctx, t.state)
	if err != nil {
		return nil, err
	}
	defer st.Close()
	if err := st.Commit(ctx, store.Batch{Letters: letters}); err != nil {
		return nil, err
	}
	deliver, err := notify.NewDeliverer(st, routes, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	deliver.Turn = st.Turn
	deliver.Flush(ctx)
	left, err := st.Letters(context.WithoutCancel(ctx), "pending", 0)
	if err != nil {
		t.out.Say("warning: %v", err)
	}
	return left, nil
}

// send sends a notification over a route at once, past the outbox.
func send(ctx context.Context, r notify.Route, n *aweigh.Notification) error {
	sender, err := notify.Parse(r)
	if err != nil {
		return err
	}
	defer sender.Close()
	return sender.Send(ctx, notify.Compose(n))
}

// news is a notification that a deployment has begun, or ended. Where its journal stands
// is part of the id: what is told again after a crash is the same.
func news(d *deploy.Deployment, what, title string) aweigh.Notification {
	return aweigh.Notification{ID: fmt.Sprintf("%s-%d-%s", d.Plan.ID, len(d.Entries), what), Occasion: aweigh.OnDeploying, At: time.Now().UTC(), Host: watch.HostName(),
		Title: title, Deployment: d.Plan.ID, Services: d.Plan.Services, Facts: []string{"deployment " + d.Plan.ID}, Command: "aweigh deployments"}
}
