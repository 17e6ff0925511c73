package operator

import (
	"context"
	"flag"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/cli"
	"github.com/aweigh/aweigh/internal/record"
	"github.com/aweigh/aweigh/internal/status"
	"github.com/aweigh/aweigh/internal/store"
)

type incidentsFlags struct {
	asking
	all            bool
	since, message string
}

func incidentsCommand() cli.Command {
	return cli.Command{
		Name: "incidents", Synopsis: "[flags] [SERVICE | show ID | ack ID | resolve ID | comment ID]", About: "list what is wrong, and take it on",
		BadUsage: 2,
		Details: `Lists the open incidents, of all services or of one; shows one with its evidence;
acknowledges one, which ends its reminders; resolves one by hand; keeps a comment. The beginning of
an id is enough. A watcher that does not run takes note when it starts.`,
		Example: `  PROGRAM incidents
  PROGRAM incidents --all --since 7d webhook
  PROGRAM incidents show 01JDQ4
  PROGRAM incidents ack 01JDQ4 --message 'rolling back'`,
		Run: incidents,
		Flags: func(fs *flag.FlagSet) any {
			f := &incidentsFlags{}
			f.flags(fs)
			fs.BoolVar(&f.all, "all", false, "resolved ones too")
			fs.StringVar(&f.since, "since", "", "with --all: only those that were open since `TIME`: 2h, 30d, 2026-11-23")
			fs.StringVar(&f.message, "message", "", "`TEXT` to keep with ack, resolve and comment")
			return f
		},
	}
}

func incidents(c *cli.Context, args []string) int {
	f := c.Values.(*incidentsFlags)
	if len(args) == 2 {
		switch args[0] {
		case "show":
			return withSource(c, &f.asking, func(ctx context.Context, from source) error { return showIncident(ctx, c, f, from, args[1]) })
		case "ack", "resolve", "comment":
			return withSource(c, &f.asking, func(ctx context.Context, from source) error {
				return decide(ctx, c, f, from, args[0], args[1])
			})
		}
	}
	if len(args) > 1 {
		return c.Fail(2, fmt.Errorf("%q is not understood: write a SERVICE, show ID, ack ID, resolve ID or comment ID", strings.Join(args, " ")))
	}
	q := store.IncidentQuery{Open: !f.all, Service: strings.Join(args, "")}
	if f.since != "" {
		since, err := cli.Moment(f.since, time.Now())
		if err != nil {
			return c.Fail(2, fmt.Errorf("--since: %w", err))
		}
		q.Since = since
	}
	return withSource(c, &f.asking, func(ctx context.Context, from source) error {
		list, err := from.Incidents(ctx, q)
		if err != nil {
			return err
		}
		if len(list) == 0 && q.Service != "" {
			if err := mustKnow(ctx, from, q.Service); err != nil {
				if _, verb := decided[q.Service]; verb || q.Service == "show" {
					return fmt.Errorf("%s needs the id of an incident: aweigh incidents %[1]s ID", q.Service)
				}
				return err
			}
		}
		if f.json {
			return printJSON(c, list)
		}
		if len(list) == 0 {
			fmt.Fprintln(c.Stdout, map[bool]string{true: "no incidents", false: "nothing is open"}[f.all])
			return nil
		}
		incidentTable(c.Stdout, list, time.Now())
		return nil
	})
}

func incidentTable(w io.Writer, list []aweigh.Incident, now time.Time) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "INCIDENT\tSERVICE\tKIND\tOPENED\tSTATE\tCOUNT\tWHAT")
	for _, n := range list {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%d\t%s\n", n.ID, n.Service, n.Kind, n.Opened.Local().Format("2006-01-02 15:04:05"),
			incidentState(n, now), n.Count, cli.Shorten(whatOf(n), 90))
	}
	t.Flush()
}

// headline says what is broken, since when, and the likely cause.
func headline(n aweigh.Incident, now time.Time) string {
	text := fmt.Sprintf("%s: %s since %s (%s)", n.Service, n.Kind, n.Opened.Local().Format("2006-01-02 15:04:05 MST"), incidentState(n, now))
	if n.Cause.Named() {
		text += ": " + cli.CauseWord(n.Cause)
	}
	return text
}

// whatOf is what is wrong in one line, the likely cause first.
func whatOf(n aweigh.Incident) string {
	if n.Cause.Named() {
		return n.Cause.ID + ": " + n.Summary
	}
	return n.Summary
}

func incidentState(n aweigh.Incident, now time.Time) string {
	switch {
	case n.Resolved != nil:
		return "resolved after " + cli.Human(n.Resolved.Sub(n.Opened))
	case n.Acknowledged != nil:
		return "acknowledged by " + cli.Shorten(n.Acknowledged.By, 20)
	}
	return "open for " + cli.Human(now.Sub(n.Opened))
}

func findIncident(ctx context.Context, from source, id string) (aweigh.Incident, error) {
	n, err := from.Incident(ctx, id)
	if err != nil {
		return n, fmt.Errorf("incident %q: %w (see: incidents --all)", id, err)
	}
	return n, nil
}

func showIncident(ctx context.Context, c *cli.Context, f *incidentsFlags, from source, id string) error {
	n, err := findIncident(ctx, from, id)
	if err != nil {
		return err
	}
	if f.json {
		return printJSON(c, n)
	}
	line := func(name, format string, a ...any) {
		fmt.Fprintf(c.Stdout, "%-9s %s\n", name, record.Printable(fmt.Sprintf(format, a...)))
	}
	fmt.Fprintf(c.Stdout, "%s\n\n", record.Printable(headline(n, time.Now())))
	line("incident", "%s", n.ID)
	line("what", "%s: %s (%s)", n.Service, n.Kind, n.Severity)
	line("", "%s", n.Summary)
	line("host", "%s", n.Host)
	line("opened", "%s", n.Opened.Local().Format("2006-01-02 15:04:05 MST"))
	line("state", "%s", incidentState(n, time.Now()))
	if n.Count > 1 {
		line("count", "%d times, at last %s", n.Count, clock(n.Last, n.Opened)+n.Last.Local().Format(" MST"))
	}
	if n.Resolution != "" {
		line("ended", "%s", n.Resolution)
	}
	if a := n.Acknowledged; a != nil && a.Note != "" {
		line("note", "%s", a.Note)
	}
	for _, said := range n.Comments {
		line("comment", "%s, %s: %s", said.At.Local().Format("2006-01-02 15:04:05"), said.By, said.Text)
	}
	if n.Cause.Named() {
		line("cause", "%s", cli.CauseWord(n.Cause))
		for _, text := range []string{n.Cause.Why, n.Cause.Line} {
			if text != "" {
				line("", "%s", text)
			}
		}
		if n.Cause.Fix != "" {
			line("fix", "%s", n.Cause.Fix)
		}
	}
	if len(n.Starts) > 0 {
		line("starts", "%s", strings.Join(n.Starts, " "))
	}
	if len(n.Evidence) > 0 {
		fmt.Fprintln(c.Stdout, "\nLast lines of its output:")
		for _, text := range n.Evidence {
			fmt.Fprintf(c.Stdout, "  %s\n", record.Printable(text))
		}
	}
	return nil
}

// decide leaves a person's word for the watcher.
func decide(ctx context.Context, c *cli.Context, f *incidentsFlags, from source, verb, id string) error {
	n, err := deciding[verb](from, ctx, id, status.Word{By: user(), Text: f.message})
	if err != nil {
		return err
	}
	fmt.Fprintf(c.Stdout, "%s: %s, %s\n", n.Service, n.Kind, decided[verb])
	return nil
}

var deciding = map[string]func(source, context.Context, string, status.Word) (aweigh.Incident, error){
	"ack": source.Acknowledge, "resolve": source.Resolve, "comment": source.Comment,
}

// decided are the words for what was done.
var decided = map[string]string{"ack": "acknowledged", "resolve": "resolved", "comment": "commented"}
