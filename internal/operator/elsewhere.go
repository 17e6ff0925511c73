package operator

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/aweigh/aweigh/internal/cli"
	"github.com/aweigh/aweigh/internal/remote"
	"github.com/aweigh/aweigh/internal/store"
)

// elsewhere are the commands that read records here, which can ask a watcher
// elsewhere as well. aweigh-init has them without: it knows no HTTP.
func elsewhere() []cli.Command {
	asks := map[string]func(*cli.Context, *asked, []string) int{"starts": startsThere, "logs": logsThere, "show": showThere}
	var all []cli.Command
	for _, cmd := range cli.Shared() {
		if ask := asks[cmd.Name]; ask != nil {
			all = append(all, askable(cmd, ask))
		}
	}
	return all
}

// asked are a shared command's flags, and those that name a watcher elsewhere.
type asked struct {
	there
	shared any
	client *remote.Client
}

func (a *asked) text(name string) string { return a.set.Lookup(name).Value.String() }
func (a *asked) is(name string) bool     { return a.text(name) == "true" }

func askable(cmd cli.Command, ask func(*cli.Context, *asked, []string) int) cli.Command {
	flags, run := cmd.Flags, cmd.Run
	cmd.Flags = func(fs *flag.FlagSet) any {
		a := &asked{shared: flags(fs)}
		a.there.flags(fs)
		return a
	}
	cmd.Run = func(c *cli.Context, args []string) int {
		a := c.Values.(*asked)
		there, err := a.asked("record", "state")
		if err != nil {
			return c.Fail(2, err)
		}
		if !there {
			c.Values = a.shared
			return run(c, args)
		}
		client, err := a.dial()
		if err != nil {
			return c.Fail(2, err)
		}
		a.client = client
		return ask(c, a, args)
	}
	return cmd
}

func startsThere(c *cli.Context, a *asked, args []string) int {
	q := store.StartQuery{Failed: a.is("failed"), Service: strings.Join(args, " ")}
	if len(args) > 1 {
		return c.Fail(2, fmt.Errorf("one service at most, got %s", q.Service))
	}
	if text := a.text("since"); text != "" {
		since, err := cli.Moment(text, time.Now())
		if err != nil {
			return c.Fail(2, fmt.Errorf("--since: %w", err))
		}
		q.Since = since
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	list, err := a.client.Starts(ctx, q)
	if err == nil && len(list) == 0 && q.Service != "" {
		err = mustKnow(ctx, a.client, q.Service)
	}
	if err != nil {
		return c.Fail(1, err)
	}
	return c.PrintStarts(list, a.is("json"), q.Failed || !q.Since.IsZero(), a.server)
}

// mustKnow is an error where no start of a service is known: its name is mistyped.
func mustKnow(ctx context.Context, from source, service string) error {
	known, err := from.Starts(ctx, store.StartQuery{Service: service, Limit: 1})
	if err == nil && len(known) == 0 {
		return fmt.Errorf("no service %q has been seen (see: status)", service)
	}
	return err
}

func showThere(c *cli.Context, a *asked, args []string) int {
	if len(args) != 1 {
		return c.Fail(2, fmt.Errorf("one START or SERVICE is needed, got %d arguments", len(args)))
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	told, err := a.client.Start(ctx, args[0])
	if err != nil {
		return c.Fail(1, err)
	}
	return c.Tell(told, a.is("json"))
}

func logsThere(c *cli.Context, a *asked, args []string) int {
	if len(args) != 1 {
		return c.Fail(2, fmt.Errorf("one START or SERVICE is needed, got %d arguments", len(args)))
	}
	if a.is("follow") && a.text("phase") != "" {
		return c.Fail(2, cli.ErrPhaseFollow)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	var err error
	if a.is("follow") {
		err = followThere(ctx, c, a.client, args[0])
	} else {
		err = copyThere(ctx, c, a.client, args[0], a.text("phase"), false)
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		return c.Fail(1, err)
	}
	return 0
}

func copyThere(ctx context.Context, c *cli.Context, there *remote.Client, what, phase string, follow bool) error {
	out, err := there.Output(ctx, what, phase, follow)
	if err != nil {
		return err
	}
	defer out.Close()
	_, err = io.Copy(c.Stdout, out)
	return err
}

// lookThereEvery is how often it is asked for a service's next start.
const lookThereEvery = time.Second

// followThere prints until the start has ended, or for ever for a service.
func followThere(ctx context.Context, c *cli.Context, there *remote.Client, what string) error {
	told, err := there.Start(ctx, what)
	if err != nil {
		return err
	}
	one := told.Start
	if err := copyThere(ctx, c, there, one.ID, "", true); err != nil || one.Service != what {
		return err
	}
	for tick := time.NewTicker(lookThereEvery); ; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		newest, err := there.Starts(ctx, store.StartQuery{Service: what, Since: one.Began})
		if err != nil {
			return err
		}
		if len(newest) == 0 || newest[0].ID == one.ID {
			continue
		}
		out, err := there.Output(ctx, newest[0].ID, "", true)
		if refused := (*remote.Refused)(nil); errors.As(err, &refused) && refused.Code == http.StatusNotFound {
			continue // it has printed nothing yet
		}
		if err != nil {
			return err
		}
		one = newest[0]
		fmt.Fprintf(c.Stderr, "--- start %s ---\n", one.ID)
		_, err = io.Copy(c.Stdout, out)
		out.Close()
		if err != nil {
			return err
		}
	}
}
