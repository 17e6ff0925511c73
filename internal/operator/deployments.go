package operator

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/aweigh/aweigh/internal/cli"
	"github.com/aweigh/aweigh/internal/deploy"
	"github.com/aweigh/aweigh/internal/record"
)

func deploymentsCommand() cli.Command {
	return cli.Command{
		Name: "deployments", Synopsis: "[flags] [show ID]", About: "list deployments, and how each ended",
		BadUsage: 2,
		Details: `Lists the deployments that were made from this host, the newest first; shows one:
its steps, what ran before, and where its files are. The beginning of an id is
enough. See docs/deploy.md.`,
		Example: "  PROGRAM deployments\n  PROGRAM deployments show 01JDQ4\n  PROGRAM deployments --json",
		Run:     deployments,
		Flags: func(fs *flag.FlagSet) any {
			f := &reading{}
			f.flags(fs)
			return f
		},
	}
}

// summary is a deployment as programs get it.
type summary struct {
	ID       string         `json:"id"`
	By       string         `json:"by"`
	Began    time.Time      `json:"began"`
	Ended    *time.Time     `json:"ended"`
	TookMS   *int64         `json:"took_ms"`
	Stages   []string       `json:"stages"`
	Projects []string       `json:"projects"`
	Services []string       `json:"services"`
	Outcome  deploy.Outcome `json:"outcome"`         // "" is unfinished
	Where    string         `json:"where,omitempty"` // of an unfinished one
	Why      string         `json:"why,omitempty"`
	Dir      string         `json:"dir"`
	Steps    []deploy.Entry `json:"steps,omitempty"`
}

func summed(d *deploy.Deployment) summary {
	s := summary{ID: d.Plan.ID, By: d.Plan.By, Began: d.Plan.Began, Stages: d.Plan.Names(), Projects: d.Plan.Projects(), Services: d.Plan.Services,
		Outcome: d.Outcome(), Why: d.Why(), Dir: d.Dir}
	last := d.Entries[len(d.Entries)-1]
	if s.Outcome == deploy.Interrupted {
		s.Where = d.Where()
	} else {
		took := last.At.Sub(s.Began).Milliseconds()
		s.Ended, s.TookMS = &last.At, &took
	}
	return s
}

func deployments(c *cli.Context, args []string) int {
	f := c.Values.(*reading)
	state := stateDir(f.state)
	var err error
	switch {
	case len(args) == 0:
		err = listDeployments(c, f, state)
	case len(args) == 2 && args[0] == "show":
		err = showDeployment(c, f, state, args[1])
	default:
		return c.Fail(2, fmt.Errorf("%q is not understood: write nothing, or show ID", strings.Join(args, " ")))
	}
	if err != nil {
		return c.Fail(1, err)
	}
	return 0
}

func listDeployments(c *cli.Context, f *reading, state string) error {
	all, err := deploy.List(state)
	if err != nil {
		return err
	}
	if len(all) == 0 && f.state == "" && hidden(record.SystemDir) {
		return errHidden
	}
	list := []summary{}
	for _, d := range all {
		list = append(list, summed(d))
	}
	if f.json {
		return printJSON(c, list)
	}
	if len(list) == 0 {
		fmt.Fprintln(c.Stdout, "no deployments")
		return nil
	}
	t := tabwriter.NewWriter(c.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "DEPLOYMENT\tBEGAN\tBY\tPROJECT\tSERVICES\tOUTCOME\tTOOK\tWHY")
	for _, s := range list {
		outcome, took := string(s.Outcome), "-"
		if s.TookMS != nil {
			took = cli.Human(time.Duration(*s.TookMS) * time.Millisecond)
		}
		if s.Outcome == deploy.Interrupted {
			outcome = "unfinished, at " + s.Where
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", s.ID, s.Began.Local().Format("2006-01-02 15:04:05"), s.By, strings.Join(s.Projects, ", "),
			strings.Join(s.Services, ", "), outcome, took, cli.Shorten(record.Printable(s.Why), 80))
	}
	return t.Flush()
}

func showDeployment(c *cli.Context, f *reading, state, id string) error {
	d, err := deploy.Open(state, id)
	if err != nil {
		return err
	}
	s := summed(d)
	if f.json {
		s.Steps = d.Entries
		return printJSON(c, s)
	}
	line := func(name, format string, a ...any) {
		fmt.Fprintf(c.Stdout, "%-11s %s\n", name, record.Printable(fmt.Sprintf(format, a...)))
	}
	line("deployment", "%s", s.ID)
	line("began", "%s by %s", s.Began.Local().Format("2006-01-02 15:04:05 MST"), s.By)
	line("services", "%s", strings.Join(s.Services, ", "))
	if s.Outcome == deploy.Interrupted {
		line("outcome", "unfinished, at %s: aweigh deploy resume %s, or abort", s.Where, s.ID)
	} else {
		line("outcome", "%s after %s", s.Outcome, cli.Human(time.Duration(*s.TookMS)*time.Millisecond))
	}
	if s.Why != "" {
		line("why", "%s", s.Why)
	}
	line("files", "%s", s.Dir)
	fmt.Fprintln(c.Stdout)
	t := tabwriter.NewWriter(c.Stdout, 0, 0, 2, ' ', 0)
	for _, e := range d.Entries {
		if e.Event == deploy.Begun || e.Event == deploy.Planned || e.Event == deploy.Done && e.Detail == "" {
			continue
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", e.At.Local().Format("15:04:05"), e.Stage, strings.TrimSpace(e.Step+" "+string(e.Event)+string(" "+e.Outcome)),
			cli.Human(time.Duration(e.TookMS)*time.Millisecond), record.Printable(e.Detail))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	return showBefore(c, d)
}

// showBefore says what ran before: images, the hash of the configuration, and the
// names of the environment, never its values.
func showBefore(c *cli.Context, d *deploy.Deployment) error {
	for _, s := range d.Plan.Stages {
		before, err := d.Before(s.Name)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(c.Stdout, "\nbefore, on %s (project %s):\n", s.Name, s.Project)
		t := tabwriter.NewWriter(c.Stdout, 0, 0, 2, ' ', 0)
		for _, b := range before.Containers {
			names := map[string]bool{}
			for _, kv := range b.Config.Env {
				name, _, _ := strings.Cut(kv, "=")
				names[name] = true
			}
			hash := b.Config.Labels["com.docker.compose.config-hash"]
			fmt.Fprintf(t, "  %s\t%s\t%s\t%s\tconfig %s\tenvironment %s\n", record.Printable(b.Name), b.Status, record.Printable(b.Image), short(b.ImageID), hash[:min(len(hash), 12)],
				record.Printable(strings.Join(slices.Sorted(maps.Keys(names)), " ")))
		}
		if err := t.Flush(); err != nil {
			return err
		}
		if len(before.Containers) == 0 {
			fmt.Fprintln(c.Stdout, "  nothing")
		}
		files, _ := filepath.Glob(filepath.Join(d.Dir, s.Name, "*"))
		for _, file := range files {
			fmt.Fprintf(c.Stdout, "  %s\n", file)
		}
	}
	return nil
}
