package operator

import (
	"context"
	"flag"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/aweigh/aweigh/internal/cli"
	"github.com/aweigh/aweigh/internal/status"
)

func statusCommand() cli.Command {
	return cli.Command{
		Name: "status", Synopsis: "[flags]", About: "each service, its last start, and what is open",
		BadUsage: 2,
		Details: `One screen: each service with its state and its last start, what is open, and
what could not be delivered. The exit status is 0 when nothing is open, 3 when
something is.`,
		Example: "  PROGRAM status\n  PROGRAM status --json | jq '.services[] | select(.state != \"ready\")'",
		Run:     showStatus,
		Flags: func(fs *flag.FlagSet) any {
			f := &asking{}
			f.flags(fs)
			return f
		},
	}
}

// exitOpen is the exit status of `status` when an incident is open.
const exitOpen = 3

func showStatus(c *cli.Context, args []string) int {
	f := c.Values.(*asking)
	if len(args) > 0 {
		return c.Fail(2, fmt.Errorf("no arguments are taken, got %s", strings.Join(args, " ")))
	}
	var r status.Report
	code := withSource(c, f, func(ctx context.Context, from source) (err error) {
		if r, err = from.Status(ctx); err != nil {
			return err
		}
		if f.json {
			return printJSON(c, r)
		}
		return printStatus(c, r)
	})
	if code == 0 && len(r.Incidents) > 0 {
		return exitOpen
	}
	return code
}

func printStatus(c *cli.Context, r status.Report) error {
	if away := r.Away(); r.LastBeat.IsZero() {
		fmt.Fprint(c.Stdout, "No watcher has been here yet: start `aweigh watch`.\n\n")
	} else if away > 0 {
		fmt.Fprintf(c.Stdout, "No watcher has been here for %s: is `aweigh watch` running?\n\n", cli.Human(away))
	}
	t := tabwriter.NewWriter(c.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "SERVICE\tPROJECT\tSTATE\tLAST START\tVERDICT\tAFTER\tTHEN")
	for _, s := range r.Services {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", s.Service, dash(s.Project), s.State, s.Last.Began.Local().Format("2006-01-02 15:04:05"),
			cli.VerdictWord(*s.Last), cli.Took(*s.Last), cli.Shorten(cli.Then(*s.Last), 60))
	}
	if len(r.Services) == 0 {
		fmt.Fprintln(t, "(none seen yet)")
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(c.Stdout)
	if len(r.Incidents) == 0 {
		fmt.Fprintln(c.Stdout, "Nothing is open.")
	} else {
		incidentTable(c.Stdout, r.Incidents, r.At)
	}
	if r.Waiting > 0 || r.Dead > 0 {
		fmt.Fprintf(c.Stdout, "\nLetters: %d to be delivered, %d given up (see: notify letters).\n", r.Waiting, r.Dead)
	}
	return nil
}

func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
