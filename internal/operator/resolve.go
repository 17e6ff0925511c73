package operator

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/aweigh/aweigh/internal/cli"
	"github.com/aweigh/aweigh/internal/compose"
	"github.com/aweigh/aweigh/internal/config"
	"github.com/aweigh/aweigh/internal/docker"
	"github.com/aweigh/aweigh/internal/gather"
	"github.com/aweigh/aweigh/internal/record"
	"github.com/aweigh/aweigh/internal/resolve"
	"github.com/aweigh/aweigh/internal/snapshot"
	"github.com/aweigh/aweigh/internal/verify"
	"github.com/aweigh/aweigh/internal/watch"
)

func resolveCommand() cli.Command {
	return cli.Command{
		Name: "resolve", Synopsis: "[flags] SERVICE", About: "bring a broken service back, step by step, each proven",
		BadUsage: 2,
		Details: `Gathers what is known of the service and keeps it, says what is wrong with it and
what may help, and tries that with your consent, the mildest first: restart,
recreate, rebuild, roll back to what ran before the last deployment, restart what
depends on it. Each is verified before the next is tried. See docs/resolve.md.

Exit status: 0 it is well (again), or --dry-run, 1 nothing helped, 2 an unusable command line or
compose file, or nothing was consented to, 4 interrupted.`,
		Example: "  PROGRAM resolve webhook\n  PROGRAM resolve webhook --dry-run\n  PROGRAM resolve webhook --yes --within 2m",
		Run:     runResolve,
		Flags: func(fs *flag.FlagSet) any {
			f := &deployFlags{}
			f.place.flags(fs)
			fs.StringVar(&f.stage, "stage", "", "of the stage of this `NAME` of aweigh.yaml (default: the last one)")
			fs.StringVar(&f.within, "within", "", "how long a remedy may take to be proven: `TIME` (default: the stage's, 5m)")
			fs.BoolVar(&f.dryRun, "dry-run", false, "say what is wrong and what may help, and do nothing")
			fs.BoolVar(&f.yes, "yes", false, "consent to all remedies")
			fs.BoolVar(&f.json, "json", false, "print what is recorded, one JSON object a line")
			return f
		},
	}
}

func runResolve(c *cli.Context, args []string) int {
	f := c.Values.(*deployFlags)
	if len(args) != 1 {
		return c.Fail(2, errors.New("name the one service that is broken"))
	}
	if !f.yes && !f.dryRun && !terminal(os.Stdin) {
		return c.Fail(2, errors.New("this is no terminal, so nobody can be asked: give --yes, or --dry-run"))
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	defer outliveReader()()
	conf, err := loadConfig(f.config)
	if err != nil {
		return c.Fail(2, err)
	}
	c.Deed = !f.dryRun
	outcome, err := bringBack(ctx, c, f, conf, args[0])
	if err != nil {
		return c.Fail(2, err)
	}
	if f.dryRun && outcome == resolve.Declined {
		return 0
	}
	return map[resolve.Outcome]int{resolve.Well: 0, resolve.Resolved: 0, resolve.Unresolved: 1, resolve.Declined: 2, resolve.Interrupted: exitInterrupted}[outcome]
}

func bringBack(ctx context.Context, c *cli.Context, f *deployFlags, conf *config.Config, service string) (resolve.Outcome, error) {
	plan, err := f.plan(ctx, conf, []string{service})
	if err != nil {
		return "", err
	}
	plan.Stages = plan.Stages[len(plan.Stages)-1:]
	if err := identify(ctx, plan); err != nil {
		return "", err
	}
	stage := plan.Stages[0]
	project, err := compose.Load(ctx, stage.Choice())
	if err != nil {
		return "", err
	}
	engine, err := openEngine(stage.Docker)
	if err != nil {
		return "", err
	}
	defer engine.Close()
	signals, err := watch.CompileSignals(conf)
	if err != nil {
		return "", err
	}
	state := stateDir(first(f.state, conf.Watch.State))
	unlock, err := lock(ctx, c, plan, state)
	if err != nil {
		return "", err
	}
	defer unlock()
	journal, err := resolve.OpenJournal(state, plan.ID, service, plan.By)
	if err != nil {
		return "", err
	}
	tell := func(line string) { fmt.Fprintln(c.Stdout, record.Printable(line)) }
	if f.json {
		tell = func(string) {}
		enc := json.NewEncoder(c.Stdout)
		enc.SetEscapeHTML(false)
		journal.Heard = func(e resolve.Entry) { enc.Encode(e) }
	}
	tool, _ := compose.FindTool(ctx, stage.Docker) // without one there are fewer remedies
	place := &resolve.Place{Engine: engine, Tool: tool, Project: project, Choice: stage.Choice(), Stage: stage, Service: service, State: state, Tell: tell}
	return resolve.Run(ctx, resolve.Config{Service: service, Within: stage.Within, Journal: journal, Tell: tell, Remedies: place.Remedies(ctx),
		Verify: func(ctx context.Context, within time.Duration) verify.Report {
			targets := targetsOf(conf, project, []string{service})
			for n := range targets {
				targets[n].Restarted = restarted(ctx, engine, stage.Project, service, within == 0)
				if within > 0 {
					targets[n].Images = nil // a rollback is not what the file means
				}
			}
			return verify.Run(ctx, verify.Config{Engine: engine, Targets: targets, Within: within, Signals: signals, Starts: watchedStarts(state), Records: state})
		},
		Gather: func(ctx context.Context) resolve.Evidence {
			return evidenceOf(ctx, engine, filepath.Join(journal.Dir, "evidence"), stage.Project, service)
		},
		Consent: f.may(c)})
}

// may asks for each remedy.
func (f *deployFlags) may(c *cli.Context) func(resolve.Remedy) bool {
	in := bufio.NewReader(os.Stdin)
	return func(r resolve.Remedy) bool {
		if f.dryRun {
			return false
		}
		if f.yes {
			return true
		}
		fmt.Fprintf(c.Stderr, "%s: %s? [y/N] ", r.Name, record.Printable(r.About))
		answer, _ := in.ReadString('\n')
		a := strings.ToLower(strings.TrimSpace(answer))
		return a == "y" || a == "yes"
	}
}

// lately is how long a restart speaks against a service.
const lately = 10 * time.Minute

// restarted are how often the containers were restarted until now: only what
// comes after a remedy speaks against it. At first sight what happened lately
// does too.
func restarted(ctx context.Context, engine *docker.Engine, project, service string, first bool) map[string]int {
	all := map[string]int{}
	now, err := engine.Instances(ctx, project, service)
	if err != nil {
		return all
	}
	for _, i := range now {
		if !first || time.Since(i.Started) > lately {
			all[i.ID] = i.RestartCount
		}
	}
	return all
}

// evidenceLines are how many of the last lines are shown.
const evidenceLines = 5

// evidenceOf takes what a remedy would take away: the output, and what diagnosis
// makes of the container. All of that is saved, without secrets.
func evidenceOf(ctx context.Context, engine *docker.Engine, save, project, service string) (e resolve.Evidence) {
	now, err := engine.Instances(ctx, project, service)
	if err != nil || len(now) == 0 {
		return e
	}
	e.Output = engine.Said(ctx, now[0].ID)
	lines := strings.Split(strings.TrimRight(e.Output, "\n"), "\n")
	for _, line := range lines[max(len(lines)-evidenceLines, 0):] {
		if line != "" {
			e.Last = append(e.Last, cli.Shorten(record.Printable(snapshot.MaskArgs([]string{"", line})[1]), 200))
		}
	}
	ctx, cancel := context.WithTimeout(ctx, gatherWithin)
	defer cancel()
	found, err := gather.Container(ctx, engine, now[0].ID, gather.Options{})
	if err != nil {
		return e
	}
	if err := found.Save(save); err != nil {
		e.Last = append(e.Last, "the evidence could not be saved: "+err.Error())
	}
	for _, c := range found.Causes() {
		if c.ID != "unknown" && c.ID != "no-failure" && len(e.Causes) < 2 {
			e.Causes = append(e.Causes, resolve.Cause{ID: c.ID, Why: record.Printable(c.Why), Fix: record.Printable(c.Fix)})
		}
	}
	return e
}
