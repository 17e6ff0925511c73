package operator

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/cli"
	"github.com/aweigh/aweigh/internal/config"
	"github.com/aweigh/aweigh/internal/quantity"
	"github.com/aweigh/aweigh/internal/status"
	"github.com/aweigh/aweigh/internal/store"
	"github.com/aweigh/aweigh/internal/verify"
	"github.com/aweigh/aweigh/internal/watch"
)

type verifyFlags struct {
	place
	within, junit, logLine string
	json, tap              bool
}

func verifyCommand() cli.Command {
	return cli.Command{
		Name: "verify", Synopsis: "[flags] [SERVICE...]", About: "whether a deployment has come to what was intended",
		BadUsage: 2,
		Details: `Checks each service of the compose project, or those that are named: running and
healthy, no restart, the start proven, the endpoint answers from the host and at the
container's own address, the port is the container's, the image is the one that is
meant, no new errors in the log, the signals are well. It waits up to --within for
what can still become true. See docs/verify.md.

Exit status: 0 all has passed, 1 something has failed, 3 nothing has failed but
something could not be looked at, 2 the command line, the compose file or the
container engine cannot be used.`,
		Example: "  PROGRAM verify\n  PROGRAM verify webhook --within 2m --junit verify.xml\n  PROGRAM verify --json | jq '.checks[] | select(.result != \"passed\")'",
		Run:     runVerify,
		Flags: func(fs *flag.FlagSet) any {
			f := &verifyFlags{}
			f.place.flags(fs)
			fs.StringVar(&f.within, "within", "5m", "how long to wait for what can still become true: `TIME`, 0 to look once")
			fs.StringVar(&f.logLine, "log-line", "", "`TEXT` that the output of each start must have, as its proof")
			fs.BoolVar(&f.json, "json", false, "print one JSON document")
			fs.BoolVar(&f.tap, "tap", false, "print TAP (Test Anything Protocol)")
			fs.StringVar(&f.junit, "junit", "", "write JUnit XML into `FILE` as well")
			return f
		},
	}
}

func runVerify(c *cli.Context, args []string) int {
	f := c.Values.(*verifyFlags)
	within, err := quantity.Duration(f.within)
	if f.within == "0" {
		within, err = 0, nil
	}
	if err != nil {
		return c.Fail(2, fmt.Errorf("--within %s: %w", f.within, err))
	}
	if f.json && f.tap {
		return c.Fail(2, errors.New("--json or --tap, not both"))
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	conf, err := loadConfig(f.config)
	if err != nil {
		return c.Fail(2, err)
	}
	signals, err := watch.CompileSignals(conf)
	if err != nil {
		return c.Fail(2, err)
	}
	engine, err := openEngine(first(f.engine, conf.Watch.Docker))
	if err == nil && engine == nil {
		err = errors.New("--docker none: without a container engine there is nothing to verify")
	}
	if err != nil {
		return c.Fail(2, err)
	}
	defer engine.Close()
	check, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := engine.Check(check); err != nil {
		return c.Fail(2, err)
	}
	targets, err := verifyTargets(ctx, f, conf, engine, args)
	if err != nil {
		return c.Fail(2, err)
	}
	state := stateDir(first(f.state, conf.Watch.State))
	report := verify.Run(ctx, verify.Config{Engine: engine, Targets: targets, Within: within, LogLine: f.logLine, Signals: signals,
		Starts: watchedStarts(state), Records: state, Tell: func(line string) { fmt.Fprintln(c.Stderr, line) }})
	if err := printReport(c, f, report); err != nil {
		return c.Fail(2, err)
	}
	switch {
	case ctx.Err() != nil:
		return c.Fail(1, errors.New("interrupted"))
	case report.Result == verify.Failed:
		return 1
	case report.Result == verify.Unknown:
		return exitUnknown
	}
	return 0
}

func printReport(c *cli.Context, f *verifyFlags, r verify.Report) error {
	if f.junit != "" {
		var b bytes.Buffer
		if err := r.JUnit(&b); err != nil {
			return err
		}
		if err := os.WriteFile(f.junit, b.Bytes(), 0o644); err != nil {
			return fmt.Errorf("--junit: %w", err)
		}
	}
	switch {
	case f.json:
		return r.JSON(c.Stdout)
	case f.tap:
		return r.TAP(c.Stdout)
	}
	return r.Text(c.Stdout)
}

// watchedStarts reads what a watcher keeps of a service's starts: it may write on
// meanwhile. There are none where no watcher has been for a while.
func watchedStarts(state string) func(ctx context.Context, project, service string) ([]aweigh.Start, bool) {
	return func(ctx context.Context, project, service string) ([]aweigh.Start, bool) {
		st, err := store.OpenToRead(ctx, state)
		if err != nil {
			return nil, false
		}
		defer st.Close()
		last, err := st.LastBeat(ctx)
		if err != nil {
			return nil, false
		}
		all, err := st.Starts(ctx, store.StartQuery{Service: service, Limit: 200})
		if err != nil {
			return nil, false
		}
		var mine []aweigh.Start
		for _, s := range all {
			if project == "" || s.Project == "" || s.Project == project {
				mine = append(mine, s)
			}
		}
		return mine, time.Since(last) < status.StaleAfter
	}
}

// settingsSaid reports whether somebody set a key for a service.
func settingsSaid(conf *config.Config, service, key string, labels map[string]string) bool {
	for _, v := range conf.Explain(service, labels).Values {
		if v.Key == key {
			return v.Origin != (config.Origin{})
		}
	}
	return false
}
