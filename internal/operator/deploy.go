package operator

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"golang.org/x/term"

	"github.com/aweigh/aweigh/internal/cli"
	"github.com/aweigh/aweigh/internal/config"
	"github.com/aweigh/aweigh/internal/deploy"
	"github.com/aweigh/aweigh/internal/record"
)

// deployFlags are those of deploy; preflight and resolve have some of them.
type deployFlags struct {
	place
	stage, soak, within, trial string
	notify                     cli.StringList
	dryRun, yes, json, rollout bool
}

func deployCommand() cli.Command {
	return cli.Command{
		Name: "deploy", Synopsis: "[flags] [SERVICE... | resume [ID] | abort [ID]]", About: "bring a compose project up to date, proven or undone",
		BadUsage: 2,
		Details: `Notes what runs, checks what can be checked before, has Compose apply the project
(or the services that are named, with what they depend on), verifies it and watches
it for a while; through the stages of aweigh.yaml, one after the other. What fails
is rolled back to what ran before, and that is verified as well. See docs/deploy.md.

Exit status: 0 deployed, 1 rolled back and what ran before is proven, 2 nothing was
done, 3 the rollback failed or could not be proven, 4 interrupted: resume or abort.`,
		Example: "  PROGRAM deploy --dry-run\n  PROGRAM deploy --yes --soak 10m\n  PROGRAM deploy web --stage staging --yes\n  PROGRAM deploy web --rollout --yes\n  PROGRAM deploy resume",
		Run:     runDeploy,
		Flags: func(fs *flag.FlagSet) any {
			f := &deployFlags{}
			f.place.flags(fs)
			fs.Var(&f.notify, "notify", "`URL` to tell, besides the routes of the configuration; may be repeated")
			fs.BoolVar(&f.json, "json", false, "print the entries of the journal, one JSON object a line")
			fs.StringVar(&f.stage, "stage", "", "only the stage of this `NAME` (default: all of aweigh.yaml, in their order)")
			fs.StringVar(&f.soak, "soak", "", "how long to watch it once it is proven: `TIME`, 0 for not at all (default: the stage's)")
			fs.StringVar(&f.within, "within", "", "how long it may take to be proven: `TIME` (default: the stage's, 5m)")
			f.trialFlag(fs)
			fs.BoolVar(&f.rollout, "rollout", false, "prove a second instance of a service behind a proxy before the first goes (default: the stage's, false)")
			fs.BoolVar(&f.dryRun, "dry-run", false, "say each step, and do none")
			fs.BoolVar(&f.yes, "yes", false, "do not ask")
			return f
		},
	}
}

func (f *deployFlags) trialFlag(fs *flag.FlagSet) {
	fs.StringVar(&f.trial, "trial", "", "what a trial boot has beside it: `WHAT` is real, stub, none, or off for no trial boot (default: the stage's, real)")
}

// The exit statuses of deploy.
const (
	exitDeployed       = 0
	exitRolledBack     = 1
	exitNothingDone    = 2
	exitRollbackFailed = 3
	exitInterrupted    = 4
)

func runDeploy(c *cli.Context, args []string) int {
	f := c.Values.(*deployFlags)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	defer outliveReader()()
	if len(args) > 0 && (args[0] == "resume" || args[0] == "abort") {
		if len(args) > 2 {
			return c.Fail(exitNothingDone, fmt.Errorf("%s takes one id at most", args[0]))
		}
		return goOn(ctx, c, f, args[0], strings.Join(args[1:], ""))
	}
	conf, err := loadConfig(f.config)
	if err != nil {
		return c.Fail(exitNothingDone, err)
	}
	plan, err := f.plan(ctx, conf, args)
	if err != nil {
		return c.Fail(exitNothingDone, err)
	}
	state := stateDir(first(f.state, conf.Watch.State))
	if f.dryRun {
		if err := rehearse(ctx, c, f, conf, plan, state); err != nil {
			return c.Fail(exitNothingDone, err)
		}
		return 0
	}
	if err := f.consent(c, plan); err != nil {
		return c.Fail(exitNothingDone, err)
	}
	if err := identify(ctx, plan); err != nil {
		return c.Fail(exitNothingDone, err)
	}
	unlock, err := lock(ctx, c, plan, state)
	if err != nil {
		return c.Fail(exitNothingDone, err)
	}
	defer unlock()
	if d, err := deploy.Unfinished(state, plan.Projects()); err != nil {
		return c.Fail(exitNothingDone, err)
	} else if d != nil {
		return c.Fail(exitNothingDone, fmt.Errorf("deployment %s was interrupted at %s: go on with `deploy resume`, or back with `deploy abort`", d.Plan.ID, d.Where()))
	}
	d, err := deploy.Begin(state, *plan)
	if err != nil {
		return c.Fail(exitNothingDone, err)
	}
	return carryOut(ctx, c, f, conf, d, state)
}

// lock keeps everybody else from what a plan is about.
func lock(ctx context.Context, c *cli.Context, plan *deploy.Plan, state string) (unlock func(), err error) {
	return plan.Lock(ctx, state, user(), func(err error) {
		fmt.Fprintln(c.Stderr, record.Printable("warning: "+err.Error()))
	})
}

// outliveReader has a program go on when nobody reads its output any more, because a
// connection was lost, say. The signal is taken rather than ignored, which what we start
// would inherit.
func outliveReader() (stop func()) {
	gone := make(chan os.Signal, 1)
	signal.Notify(gone, syscall.SIGPIPE)
	return func() { signal.Stop(gone) }
}

// goOn resumes or aborts the deployment of this id, or the one that is unfinished.
func goOn(ctx context.Context, c *cli.Context, f *deployFlags, how, id string) int {
	conf, err := loadConfig(f.config)
	if err != nil {
		return c.Fail(exitNothingDone, err)
	}
	state := stateDir(first(f.state, conf.Watch.State))
	d, err := unfinished(state, id, how)
	if err != nil {
		return c.Fail(exitNothingDone, err)
	}
	unlock, err := lock(ctx, c, &d.Plan, state)
	if err != nil {
		return c.Fail(exitNothingDone, err)
	}
	defer unlock()
	// What its holder wrote until it let go of the lock.
	if d, err = deploy.Open(state, d.Plan.ID); err != nil {
		return c.Fail(exitNothingDone, err)
	}
	// The services' settings are those of the file that it began with.
	if f.config == "" && d.Plan.Config != "" {
		if conf, err = config.Load(d.Plan.Config); err != nil {
			return c.Fail(exitNothingDone, err)
		}
	}
	if how == "resume" {
		if err := d.Fits(ctx); err != nil {
			return c.Fail(exitNothingDone, fmt.Errorf("deployment %s: %w", d.Plan.ID, err))
		}
	}
	if how == "abort" || d.Outcome() == deploy.RollbackFailed {
		if err := d.Abort(user()); err != nil {
			return c.Fail(exitNothingDone, err)
		}
	}
	return carryOut(ctx, c, f, conf, d, state)
}

func unfinished(state, id, how string) (*deploy.Deployment, error) {
	if id == "" {
		d, err := deploy.Unfinished(state, nil)
		if err != nil || d != nil {
			return d, err
		}
		return nil, fmt.Errorf("no deployment is unfinished: there is nothing to %s (see: deployments)", how)
	}
	d, err := deploy.Open(state, id)
	if err != nil {
		return nil, err
	}
	if o := d.Outcome(); o != deploy.Interrupted && o != deploy.RollbackFailed {
		return nil, fmt.Errorf("deployment %s has ended: %s", d.Plan.ID, o)
	}
	return d, nil
}

// carryOut runs a deployment, and tells how it ended.
func carryOut(ctx context.Context, c *cli.Context, f *deployFlags, conf *config.Config, d *deploy.Deployment, state string) int {
	t, err := f.tools(c, conf, state, d)
	if err != nil {
		return c.Fail(exitNothingDone, err)
	}
	routes, err := deploymentRoutes(conf, f.notify)
	if err != nil {
		return c.Fail(exitNothingDone, err)
	}
	people := teller{state, routes, t.Out}
	what := fmt.Sprintf("%s (%s) to %s", d.Plan.Stages[len(d.Plan.Stages)-1].Project, strings.Join(d.Plan.Services, ", "), strings.Join(d.Plan.Names(), ", then "))
	began := time.Now()
	t.Ending = func(ctx context.Context, o deploy.Outcome) {
		people.tell(ctx, news(d, "ended", what+": "+ending(d, o, time.Since(began))))
	}
	t.Out.Say("deployment %s: %s", d.Plan.ID, what)
	people.tell(ctx, news(d, "begun", fmt.Sprintf("deploying %s, as %s asked", what, d.Plan.By)))
	c.Deed = true
	outcome, err := d.Run(ctx, t)
	if err != nil {
		return c.Fail(exitInterrupted, fmt.Errorf("%w: once that is put right, go on with `deploy resume`, or back with `deploy abort`", err))
	}
	t.Out.Say("%s", ending(d, outcome, time.Since(began)))
	return map[deploy.Outcome]int{deploy.Deployed: exitDeployed, deploy.RolledBack: exitRolledBack, deploy.NothingDone: exitNothingDone,
		deploy.RollbackFailed: exitRollbackFailed, deploy.Interrupted: exitInterrupted}[outcome]
}

// ending says how a deployment has ended.
func ending(d *deploy.Deployment, o deploy.Outcome, took time.Duration) string {
	switch o {
	case deploy.Deployed:
		return "deployed after " + cli.Human(took)
	case deploy.RolledBack:
		return "ROLLED BACK after " + cli.Human(took) + ", and proven to be as it was before: " + d.Why()
	case deploy.NothingDone:
		return "nothing was done: " + d.Why()
	case deploy.RollbackFailed:
		return "THE ROLLBACK FAILED: " + d.Trouble() + " (it began with " + d.Why() + "); try it again with `deploy resume " + d.Plan.ID + "`"
	}
	return "interrupted at " + d.Where() + ": go on with `deploy resume`, or back with `deploy abort`"
}

// consent asks a person.
func (f *deployFlags) consent(c *cli.Context, plan *deploy.Plan) error {
	if f.yes {
		return nil
	}
	if !terminal(os.Stdin) {
		return errors.New("this is no terminal, so nobody can be asked: give --yes")
	}
	fmt.Fprintf(c.Stderr, "Deploy %s to %s? [y/N] ", record.Printable(strings.Join(plan.Services, ", ")), strings.Join(plan.Names(), ", then "))
	answer, _ := bufio.NewReader(os.Stdin).ReadString('\n')
	if a := strings.ToLower(strings.TrimSpace(answer)); a != "y" && a != "yes" {
		return errors.New("not confirmed: nothing was done")
	}
	return nil
}

func terminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }
