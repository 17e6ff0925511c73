package operator

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/aweigh/aweigh/internal/cli"
	"github.com/aweigh/aweigh/internal/compose"
	"github.com/aweigh/aweigh/internal/config"
	"github.com/aweigh/aweigh/internal/deploy"
	"github.com/aweigh/aweigh/internal/preflight"
	"github.com/aweigh/aweigh/internal/verify"
)

func preflightCommand() cli.Command {
	return cli.Command{
		Name: "preflight", Synopsis: "[flags] [SERVICE...]", About: "check before a deployment what can be checked before",
		BadUsage: 2,
		Details: `Checks, for a compose project or for the services that are named and what they
depend on: engine, Compose, the files, disk, memory, ports, certificates, what has
changed, that the images build or pull and have what they start; and boots the new
containers for a trial, on a network of their own that leads nowhere, with no port
published and nothing of a real volume, proves them, and removes them. Nothing that
runs is touched. See docs/preflight.md.

Exit status: 0 nothing has failed, 1 something has, 2 an unusable command line or
compose file.`,
		Example: "  PROGRAM preflight\n  PROGRAM preflight web --trial none\n  PROGRAM preflight --stage production --json",
		Run:     runPreflight,
		Flags: func(fs *flag.FlagSet) any {
			f := &deployFlags{}
			f.place.flags(fs)
			fs.StringVar(&f.stage, "stage", "", "for the stage of this `NAME` of aweigh.yaml (default: the last one)")
			f.trialFlag(fs)
			fs.BoolVar(&f.json, "json", false, "print one JSON document")
			return f
		},
	}
}

func runPreflight(c *cli.Context, args []string) int {
	f := c.Values.(*deployFlags)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	conf, err := loadConfig(f.config)
	if err != nil {
		return c.Fail(2, err)
	}
	report, err := fly(ctx, c, f, conf, args)
	if err != nil {
		return c.Fail(2, err)
	}
	if f.json {
		err = printJSON(c, report)
	} else {
		err = report.Text(c.Stdout)
	}
	switch {
	case err != nil:
		return c.Fail(2, err)
	case ctx.Err() != nil:
		return c.Fail(1, errors.New("interrupted"))
	case report.Verdict == preflight.Failed:
		return 1
	}
	return 0
}

func fly(ctx context.Context, c *cli.Context, f *deployFlags, conf *config.Config, services []string) (preflight.Report, error) {
	plan, err := f.plan(ctx, conf, services)
	if err != nil {
		return preflight.Report{}, err
	}
	stage := plan.Stages[len(plan.Stages)-1]
	project, err := compose.Load(ctx, stage.Choice())
	if err != nil {
		return preflight.Report{}, err
	}
	engine, err := openEngine(stage.Docker)
	if err != nil {
		return preflight.Report{}, err
	}
	defer engine.Close()
	targets := func(p *compose.Project, services []string) []verify.Target { return targetsOf(conf, p, services) }
	tool, toolErr := compose.FindTool(ctx, stage.Docker)
	checks := deploy.Preflight(engine, tool, toolErr, project, &stage, stateDir(first(f.state, conf.Watch.State)), targets)
	checks.Undo = true
	if terminal(os.Stderr) {
		checks.Tell = func(line string) { fmt.Fprintf(c.Stderr, "\r\033[K%s", cli.Shorten(line, 100)) }
		defer fmt.Fprint(c.Stderr, "\r\033[K")
	}
	return preflight.Run(ctx, checks), nil
}
