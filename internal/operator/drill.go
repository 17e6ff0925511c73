package operator

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"

	"github.com/moby/moby/client"

	"github.com/aweigh/aweigh/internal/cli"
	"github.com/aweigh/aweigh/internal/compose"
	"github.com/aweigh/aweigh/internal/config"
	"github.com/aweigh/aweigh/internal/drill"
	"github.com/aweigh/aweigh/internal/notify"
	"github.com/aweigh/aweigh/internal/watch"
)

type drillFlags struct {
	project
	only, variables, routes, copied cli.StringList
	image, container, probe, expect string
	config, state, engine, junit    string
	parallel                        int
	list, json, ownWatcher          bool
}

func drillCommand() cli.Command {
	return cli.Command{
		Name: "drill", Synopsis: "[flags] [SERVICE]", About: "let a copy of a service fail, and see that it is noticed",
		BadUsage: 2,
		Details: `Makes throw-away copies of a service, in a network of their own, and lets something
go wrong with each: a port that is taken, a start that hangs, a full disk, a crash …
A watcher must see it, name the cause, and have somebody told; then a copy with
nothing wrong must come up again. The watcher is the aweigh watch that runs on this
state directory, if it has a route for drills, else one of the drills' own. What runs is left alone, and whatever the drills
make is removed.

SERVICE is one of the compose file's, else a container's name. Exit status: 0 all
that applied passed, 1 one failed, 2 bad usage, 3 nothing was proven. See
docs/drill.md.`,
		Example: `  PROGRAM drill webhook
  PROGRAM drill webhook --only crash-loop --only disk-full --json
  PROGRAM drill --image nginx:1.27 --probe http://:80/ --junit drills.xml
  PROGRAM drill --list`,
		Run: runDrill,
		Flags: func(fs *flag.FlagSet) any {
			f := &drillFlags{}
			f.project.flags(fs)
			fs.Var(&f.only, "only", "the drill of this `NAME` alone; may be repeated")
			fs.StringVar(&f.image, "image", "", "drill this `IMAGE`, by itself")
			fs.Var(&f.variables, "env", "with --image, a variable of its environment, `KEY=VALUE`; may be repeated")
			fs.StringVar(&f.container, "container", "", "drill the service as the container of this `NAME` has it")
			fs.StringVar(&f.probe, "probe", "", "`URL` by which a copy is asked, such as http://:8080/health (default: as aweigh watch would)")
			fs.StringVar(&f.expect, "expect", "", "`EXPR` that the answer must meet")
			fs.Var(&f.copied, "volume-copy", "`PATH` of a volume whose data a copy has too; others are empty; may be repeated")
			fs.Var(&f.routes, "route", "`NAME` of a route of aweigh.yaml that a watcher of the drills' own tells as well; may be repeated (default: those for drills)")
			fs.StringVar(&f.config, "config", "", "`FILE` with the settings of the service (default: as for watch)")
			fs.StringVar(&f.state, "state", "", "`DIR` of the history and of what the drills' watchers keep (default: as for watch)")
			fs.StringVar(&f.engine, "docker", "", "`URL` of the container engine (default: DOCKER_HOST, else the local socket)")
			fs.IntVar(&f.parallel, "parallel", 2, "`N` drills at a time")
			fs.BoolVar(&f.ownWatcher, "own-watcher", false, "have a watcher of the drills' own look on, even where aweigh watch runs")
			fs.BoolVar(&f.list, "list", false, "list the drills, and run none")
			fs.StringVar(&f.junit, "junit", "", "`FILE` to write JUnit XML to")
			fs.BoolVar(&f.json, "json", false, "print JSON")
			return f
		},
	}
}

func runDrill(c *cli.Context, args []string) int {
	f := c.Values.(*drillFlags)
	if f.list {
		return listDrills(c, f)
	}
	if err := f.check(args); err != nil {
		return c.Fail(2, err)
	}
	drills, err := drill.Choose(f.only)
	if err != nil {
		return c.Fail(2, err)
	}
	conf, err := loadConfig(f.config)
	if err != nil {
		return c.Fail(2, err)
	}
	engine, err := openEngine(first(f.engine, conf.Watch.Docker))
	if err != nil {
		return c.Fail(2, err)
	}
	if engine == nil {
		return c.Fail(2, errors.New("there is no container engine (none is configured)"))
	}
	defer engine.Close()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends it at once; the next run sweeps up
	if err := engine.Check(ctx); err != nil {
		return c.Fail(2, err)
	}
	service, err := f.service(ctx, engine.Client(), args)
	if err != nil {
		return c.Fail(2, err)
	}
	routes, err := drillRoutes(conf, f.routes)
	if err != nil {
		return c.Fail(2, err)
	}
	settings, problems := conf.For(service.Name, service.Labels)
	for _, p := range problems {
		fmt.Fprintf(c.Stderr, "%v\n", p)
	}
	if f.probe != "" {
		settings.Probe, settings.Expect = f.probe, ""
	}
	if f.expect != "" {
		settings.Expect = f.expect
	}
	state := stateDir(first(f.state, conf.Watch.State))
	if err := os.MkdirAll(state, 0o755); err != nil {
		return c.Fail(2, fmt.Errorf("state directory: %w", err))
	}
	watcher, why := f.watcher(conf, state)
	if why != "" {
		fmt.Fprintf(c.Stderr, "%s\n", why)
	}
	p := &drillProgress{out: c.Stderr, all: len(drills)}
	report, err := drill.Run(ctx, drill.Options{Engine: engine, Service: service, Settings: settings, Drills: drills, State: state,
		Parallel: f.parallel, Routes: routes, Watcher: watcher, Copied: f.copied, Version: cli.Version, Progress: p.tell})
	if report == nil {
		return c.Fail(2, err)
	}
	if err != nil {
		fmt.Fprintf(c.Stderr, "%v\n", err)
	}
	if err := f.print(c, report); err != nil {
		return c.Fail(1, err)
	}
	return report.Status()
}

func (f *drillFlags) check(args []string) error {
	chosen := len(args)
	for _, text := range []string{f.image, f.container} {
		if text != "" {
			chosen++
		}
	}
	switch {
	case len(args) > 1:
		return fmt.Errorf("one SERVICE at a time, got %s", strings.Join(args, " "))
	case chosen > 1:
		return errors.New("name one of SERVICE, --container and --image")
	case f.parallel < 1 || f.parallel > 16:
		return fmt.Errorf("--parallel %d: write a number from 1 to 16", f.parallel)
	case len(f.variables) > 0 && f.image == "":
		return errors.New("--env goes with --image: a service has its own environment")
	}
	for _, kv := range f.variables {
		if !strings.Contains(kv, "=") {
			return errors.New("--env takes KEY=VALUE")
		}
	}
	if f.probe != "" && f.probe != "none" {
		if _, err := config.Parse("--probe", []byte(fmt.Sprintf(`{"defaults":{"probe":%q}}`, strings.ReplaceAll(f.probe, "$", "$$")))); err != nil {
			return fmt.Errorf("--probe: %w", err)
		}
	}
	return nil
}

// service is the one that is meant: the compose file's, else a container's.
func (f *drillFlags) service(ctx context.Context, engine *client.Client, args []string) (*drill.Service, error) {
	name := strings.Join(args, "")
	switch {
	case f.image != "":
		return drill.FromImage(f.image, f.variables), nil
	case f.container != "":
		return drill.FromContainer(ctx, engine, f.container)
	}
	s, err := drill.FromCompose(ctx, engine, f.choice(), name)
	if err == nil || name == "" || len(f.files) > 0 {
		return s, err
	}
	s, other := drill.FromContainer(ctx, engine, name)
	if other != nil && !errors.Is(err, compose.ErrNone) {
		return nil, fmt.Errorf("%w; and %w", err, other)
	}
	return s, other
}

// watcher is the one that runs on the state directory, nil if the drills are to
// have one of their own; why is what a person should know of that.
func (f *drillFlags) watcher(conf *config.Config, state string) (w *drill.Watcher, why string) {
	if f.ownWatcher || len(f.routes) > 0 || !watch.Running(state) {
		return nil, ""
	}
	w = &drill.Watcher{State: state}
	for _, r := range conf.Routes() {
		if r.Drills {
			w.Routes = append(w.Routes, r.Name)
		}
	}
	if len(w.Routes) == 0 {
		return nil, "the aweigh watch that runs would tell nobody of a drill, so the drills have a watcher of their own: give it a route with `drills: true`"
	}
	return w, ""
}

// drillRoutes are the routes of these names, for none those that are for drills.
func drillRoutes(conf *config.Config, names []string) ([]notify.Route, error) {
	var routes []notify.Route
	for _, r := range conf.Routes() {
		if slices.Contains(names, r.Name) || len(names) == 0 && r.Drills {
			routes = append(routes, r)
		}
	}
	for _, name := range names {
		if !slices.ContainsFunc(routes, func(r notify.Route) bool { return r.Name == name }) {
			return nil, fmt.Errorf("there is no route %q in %s", name, first(conf.File, "the configuration, for there is none"))
		}
	}
	for _, r := range routes {
		if _, err := notify.Parse(r); err != nil {
			return nil, fmt.Errorf("%s: %w", conf.RouteOrigin(r.Name), err)
		}
	}
	return routes, nil
}

func listDrills(c *cli.Context, f *drillFlags) int {
	if f.json {
		type row struct {
			Name    string   `json:"drill"`
			Injects string   `json:"injects"`
			Expects string   `json:"expects"`
			Causes  []string `json:"expected_causes"`
		}
		rows := []row{}
		for _, d := range drill.Table() {
			rows = append(rows, row{d.Name, d.Injects, d.Expects(), append([]string{}, d.Causes...)})
		}
		if err := printJSON(c, rows); err != nil {
			return c.Fail(1, err)
		}
		return 0
	}
	t := tabwriter.NewWriter(c.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "DRILL\tWHAT GOES WRONG\tWHAT MUST FOLLOW")
	for _, d := range drill.Table() {
		fmt.Fprintf(t, "%s\t%s\t%s\n", d.Name, d.Injects, d.Expects())
	}
	t.Flush()
	return 0
}

// drillProgress prints a line for each drill that ends.
type drillProgress struct {
	out    io.Writer
	all, n int
}

func (p *drillProgress) tell(r drill.Result) {
	if r.Verdict == "" {
		return
	}
	p.n++
	line := fmt.Sprintf("[%2d/%d] %-22s %s", p.n, p.all, r.Drill, r.Verdict)
	if r.DetectedMS != nil {
		line += fmt.Sprintf(", detected after %s", took(r.DetectedMS))
	}
	fmt.Fprintln(p.out, line)
}

// print writes the scorecard, and what else was asked for.
func (f *drillFlags) print(c *cli.Context, r *drill.Report) error {
	if f.junit != "" {
		out, err := os.Create(f.junit)
		if err == nil {
			err = errors.Join(r.WriteJUnit(out), out.Close())
		}
		if err != nil {
			return fmt.Errorf("--junit: %w", err)
		}
	}
	if f.json {
		return printJSON(c, r)
	}
	return scorecard(c.Stdout, r)
}
