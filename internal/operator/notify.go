package operator

import (
	"context"
	"flag"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/cli"
	"github.com/aweigh/aweigh/internal/notify"
	"github.com/aweigh/aweigh/internal/store"
	"github.com/aweigh/aweigh/internal/watch"
)

type notifyFlags struct {
	reading
	config string
	urls   cli.StringList
}

func notifyCommand() cli.Command {
	return cli.Command{
		Name: "notify", Synopsis: "[flags] test [ROUTE...] | letters", About: "prove that each route delivers; see what could not be delivered",
		BadUsage: 2,
		Details: `test sends a message over each route, or over those that are named, and tells what
the other side said. letters lists the newest letters of the outbox with their
state: pending, sent, or dead (given up).`,
		Example: `  PROGRAM notify test
  PROGRAM notify test --notify 'smtp://localhost:25/?from=a@example.org&to=b@example.org'
  PROGRAM notify letters`,
		Run: notifyRun,
		Flags: func(fs *flag.FlagSet) any {
			f := &notifyFlags{}
			f.flags(fs)
			fs.StringVar(&f.config, "config", "", "`FILE` with the routes (default: as for watch)")
			fs.Var(&f.urls, "notify", "`URL` to test, besides those of the configuration; may be repeated")
			return f
		},
	}
}

func notifyRun(c *cli.Context, args []string) int {
	f := c.Values.(*notifyFlags)
	switch {
	case len(args) > 0 && args[0] == "test":
		return notifyTest(c, f, args[1:])
	case len(args) == 1 && args[0] == "letters":
		return withStore(c, &f.reading, func(ctx context.Context, st *store.Store) error { return letters(ctx, c, f, st) })
	}
	return c.Fail(2, fmt.Errorf("%q is not understood: write test or letters", strings.Join(args, " ")))
}

// tested is what came of one route.
type tested struct {
	Route  string `json:"route"`
	OK     bool   `json:"ok"`
	TookMS int64  `json:"took_ms"`
	Error  string `json:"error,omitempty"`
}

func notifyTest(c *cli.Context, f *notifyFlags, names []string) int {
	conf, err := loadConfig(f.config)
	if err != nil {
		return c.Fail(2, err)
	}
	routes, err := routesOf(conf, f.urls)
	if err != nil {
		return c.Fail(2, err)
	}
	chosen, err := choose(routes, names)
	if err != nil {
		return c.Fail(2, err)
	}
	results := []tested{}
	failed := false
	for _, r := range chosen {
		began := time.Now()
		err := tryRoute(r, began)
		t := tested{Route: r.Name, OK: err == nil, TookMS: time.Since(began).Milliseconds()}
		if err != nil {
			t.Error, failed = err.Error(), true
		}
		results = append(results, t)
		if f.json {
			continue
		}
		if err != nil {
			fmt.Fprintf(c.Stdout, "%s: not delivered after %s: %v\n", r.Name, cli.Human(time.Since(began)), err)
		} else {
			fmt.Fprintf(c.Stdout, "%s: accepted after %s\n", r.Name, cli.Human(time.Since(began)))
		}
	}
	if f.json {
		printJSON(c, results)
	}
	if failed {
		return 1
	}
	return 0
}

func choose(routes []notify.Route, names []string) ([]notify.Route, error) {
	if len(routes) == 0 {
		return nil, fmt.Errorf("there is no route: give --notify, or routes in aweigh.yaml")
	}
	if len(names) == 0 {
		return routes, nil
	}
	var chosen []notify.Route
	var known []string
	for _, name := range names {
		found := false
		known = known[:0]
		for _, r := range routes {
			known = append(known, r.Name)
			if r.Name == name {
				chosen, found = append(chosen, r), true
			}
		}
		if !found {
			return nil, fmt.Errorf("there is no route %q (routes: %s)", name, strings.Join(known, ", "))
		}
	}
	return chosen, nil
}

func tryRoute(r notify.Route, now time.Time) error {
	sender, err := notify.Parse(r)
	if err != nil {
		return err
	}
	defer sender.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	host := watch.HostName()
	return sender.Send(ctx, notify.Compose(&aweigh.Notification{ID: aweigh.NewID(now), Occasion: aweigh.OnTest, At: now.UTC(), Host: host,
		Title: fmt.Sprintf("A test of the route %s from %s: it delivers.", r.Name, host)}))
}

func letters(ctx context.Context, c *cli.Context, f *notifyFlags, st *store.Store) error {
	list, err := st.Letters(ctx, "", 100)
	if err != nil {
		return err
	}
	if f.json {
		for n := range list {
			list[n].Notification.Page = nil // pictures in text help nobody
		}
		return printJSON(c, list)
	}
	if len(list) == 0 {
		fmt.Fprintln(c.Stdout, "no letters")
		return nil
	}
	t := tabwriter.NewWriter(c.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "AT\tROUTE\tSTATE\tFAILED\tOCCASION\tWHAT")
	for _, l := range list {
		what := l.Notification.Title
		if l.Why != "" {
			what = l.Why + " | " + what
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%s\t%s\n", l.Notification.At.Local().Format("2006-01-02 15:04:05"), l.Route, l.State, l.Tries, l.Notification.Occasion, cli.Shorten(what, 100))
	}
	return t.Flush()
}
