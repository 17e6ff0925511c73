package operator

import (
	"context"
	"flag"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/aweigh/aweigh/internal/cli"
	"github.com/aweigh/aweigh/internal/quantity"
	"github.com/aweigh/aweigh/internal/record"
	"github.com/aweigh/aweigh/internal/status"
)

type maintenanceFlags struct {
	asking
	length, message string
}

func maintenanceCommand() cli.Command {
	return cli.Command{
		Name: "maintenance", Synopsis: "[flags] [list | start [SERVICE] | stop ID]", About: "keep people from being told for a while",
		BadUsage: 2,
		Details: `Lists the maintenance windows; begins one, for all services or for those whose
name matches; ends one early. Incidents are kept all the same, and what is still
open when the window ends is told then.`,
		Example: `  PROGRAM maintenance start 'web*' --for 30m --message 'new database'
  PROGRAM maintenance
  PROGRAM maintenance stop 01JDQ4
  PROGRAM maintenance start --server https://aweigh.example.com`,
		Run: maintenance,
		Flags: func(fs *flag.FlagSet) any {
			f := &maintenanceFlags{}
			f.flags(fs)
			fs.StringVar(&f.length, "for", "1h", "`DURATION` of the window")
			fs.StringVar(&f.message, "message", "", "`TEXT` to keep with it")
			return f
		},
	}
}

func maintenance(c *cli.Context, args []string) int {
	f := c.Values.(*maintenanceFlags)
	switch {
	case len(args) == 0, len(args) == 1 && args[0] == "list":
		return withSource(c, &f.asking, func(ctx context.Context, from source) error { return listWindows(ctx, c, f, from) })
	case args[0] == "start" && len(args) <= 2:
		length, err := quantity.Duration(f.length)
		if err != nil || length == 0 {
			return c.Fail(2, fmt.Errorf("--for %s: write how long: 30m, 2h", f.length))
		}
		services := strings.Join(args[1:], "")
		return withSource(c, &f.asking, func(ctx context.Context, from source) error {
			w, err := from.BeginMaintenance(ctx, services, length, status.Word{By: user(), Text: f.message})
			switch {
			case err != nil:
				return err
			case f.json:
				return printJSON(c, w)
			}
			fmt.Fprintf(c.Stdout, "maintenance %s of %s until %s\n", w.ID, orAll(services), clock(w.Until, time.Now()))
			return nil
		})
	case args[0] == "stop" && len(args) == 2:
		return withSource(c, &f.asking, func(ctx context.Context, from source) error {
			w, err := from.EndMaintenance(ctx, args[1])
			switch {
			case err != nil:
				return err
			case f.json:
				return printJSON(c, w)
			}
			fmt.Fprintf(c.Stdout, "maintenance %s of %s is over\n", w.ID, orAll(w.Services))
			return nil
		})
	}
	return c.Fail(2, fmt.Errorf("%q is not understood: write list, start [SERVICE] or stop ID", strings.Join(args, " ")))
}

func listWindows(ctx context.Context, c *cli.Context, f *maintenanceFlags, from source) error {
	all, err := from.Windows(ctx)
	if err != nil {
		return err
	}
	if f.json {
		return printJSON(c, all)
	}
	if len(all) == 0 {
		fmt.Fprintln(c.Stdout, "no maintenance window")
		return nil
	}
	t := tabwriter.NewWriter(c.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "WINDOW\tSERVICES\tUNTIL\tBY\tWHY")
	for _, w := range all {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", w.ID, orAll(w.Services), w.Until.Local().Format("2006-01-02 15:04:05"), record.Printable(w.By), cli.Shorten(w.Note, 60))
	}
	return t.Flush()
}

func orAll(services string) string {
	if services == "" {
		return "all services"
	}
	return record.Printable(services)
}
