package operator

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/aweigh/aweigh/internal/cli"
	"github.com/aweigh/aweigh/internal/deploy"
	"github.com/aweigh/aweigh/internal/report"
	"github.com/aweigh/aweigh/internal/store"
	"github.com/aweigh/aweigh/internal/watch"
)

type reportFlags struct {
	reading
	config, since, service string
	html, md               bool
}

func reportCommand() cli.Command {
	return cli.Command{
		Name: "report", Synopsis: "[flags]", About: "what needs a person, what changed, how the objectives stand",
		BadUsage: 2,
		Details: `Reads what the watcher keeps: what needs a person and what changed first, then the
objectives (of aweigh.yaml, else the defaults), and how long each service and image
takes to be ready. The exit status is 0 when nothing needs a person, 3 when
something does.`,
		Example: "  PROGRAM report --since 7d\n  PROGRAM report --service webhook --html > webhook.html\n  PROGRAM report --json | jq '.objectives[] | select(.state == \"broken\")'",
		Run:     runReport,
		Flags: func(fs *flag.FlagSet) any {
			f := &reportFlags{}
			f.flags(fs)
			fs.StringVar(&f.config, "config", "", "`FILE` with the objectives (default: as for watch)")
			fs.StringVar(&f.since, "since", "30d", "from this `TIME` on: 7d, 2026-11-23, 2026-11-23T03:12:00Z; objectives have windows of their own")
			fs.StringVar(&f.service, "service", "", "only `SERVICE`")
			fs.BoolVar(&f.html, "html", false, "print HTML, in one file that fetches nothing")
			fs.BoolVar(&f.md, "md", false, "print Markdown")
			return f
		},
	}
}

func runReport(c *cli.Context, args []string) int {
	f := c.Values.(*reportFlags)
	now := time.Now()
	since, err := cli.Moment(f.since, now)
	switch {
	case len(args) > 0:
		err = fmt.Errorf("no arguments are taken, got %s: write --service %s", strings.Join(args, " "), args[0])
	case err != nil:
		err = fmt.Errorf("--since: %w", err)
	case !since.Before(now):
		err = fmt.Errorf("--since %s is not in the past", f.since)
	case f.html && f.md, f.html && f.json, f.md && f.json:
		err = errors.New("--json, --html and --md exclude each other")
	}
	if err != nil {
		return c.Fail(2, err)
	}
	conf, err := loadConfig(f.config)
	if err != nil {
		return c.Fail(2, err)
	}
	needed := false
	code := withStore(c, &f.reading, func(ctx context.Context, st *store.Store) error {
		r, err := report.Make(ctx, report.Source{Store: st, Journals: deploy.Journals(filepath.Dir(st.Path()))}, conf.Objectives(), report.Scope{Host: watch.HostName(), From: since.UTC(), To: now.UTC(), Service: f.service})
		if err != nil {
			return err
		}
		needed = len(r.Attention) > 0
		switch {
		case f.json:
			return printJSON(c, r)
		case f.html:
			return r.HTML(c.Stdout)
		case f.md:
			return r.Markdown(c.Stdout)
		}
		return r.Text(c.Stdout)
	})
	if code == 0 && needed {
		return exitOpen
	}
	return code
}
