package operator

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/cli"
	"github.com/aweigh/aweigh/internal/compose"
	"github.com/aweigh/aweigh/internal/lint"
)

type lintFlags struct {
	project
	state, engine, format, failOn string
	json, fix                     bool
}

func lintCommand() cli.Command {
	return cli.Command{
		Name: "lint", Synopsis: "[flags] [SERVICE...]", About: "what in a compose project will fail, go unseen or be hard to undo",
		BadUsage: 2,
		Details: `Reads the compose files and Dockerfiles, and what this host knows: images, starts
that were measured, ports that are taken. Each finding has its place, its reason and
a fix; --fix writes the safe ones into the files and keeps comments. See
docs/lint.md for the rules.

Exit status: 0 nothing at or above --fail-on, 1 something, 2 the command line or the
compose file cannot be used.`,
		Example: "  PROGRAM lint\n  PROGRAM lint -f compose.prod.yaml --fix webhook\n  PROGRAM lint --format sarif > lint.sarif",
		Run:     runLint,
		Flags: func(fs *flag.FlagSet) any {
			f := &lintFlags{}
			f.project.flags(fs)
			fs.StringVar(&f.state, "state", "", "`DIR` of what the watcher keeps, for measured starts (default: /var/lib/aweigh, else the user's state directory)")
			fs.StringVar(&f.engine, "docker", "", "`URL` of the container engine, none to leave it aside")
			fs.StringVar(&f.format, "format", "text", "`FORMAT`: text, json, sarif or github")
			fs.BoolVar(&f.json, "json", false, "the same as --format json")
			fs.StringVar(&f.failOn, "fail-on", "warning", "the least `SEVERITY` that makes the exit status 1: critical, warning, info or none")
			fs.BoolVar(&f.fix, "fix", false, "write the safe fixes into the compose files")
			return f
		},
	}
}

func runLint(c *cli.Context, args []string) int {
	f := c.Values.(*lintFlags)
	if f.json {
		f.format = "json"
	}
	if !slices.Contains([]string{"text", "json", "sarif", "github"}, f.format) {
		return c.Fail(2, fmt.Errorf("--format %s: write text, json, sarif or github", f.format))
	}
	if !slices.Contains([]string{"critical", "warning", "info", "none"}, f.failOn) {
		return c.Fail(2, fmt.Errorf("--fail-on %s: write critical, warning, info or none", f.failOn))
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	host := lookAround(ctx, stateDir(f.state), f.engine)
	defer host.close()
	findings, err := lintProject(ctx, f, host, args)
	if err != nil {
		return c.Fail(2, err)
	}
	if f.fix {
		fixed, err := lint.Fix(findings)
		for _, x := range fixed {
			fmt.Fprintf(c.Stderr, "fixed: %s: %s [%s]\n", x.Place(), x.Fix, x.Rule)
		}
		if err != nil {
			return c.Fail(2, err)
		}
		if findings, err = lintProject(ctx, f, host, args); err != nil {
			return c.Fail(2, err)
		}
	}
	for _, note := range host.unknown {
		fmt.Fprintln(c.Stderr, "not looked at:", note)
	}
	if err := printFindings(c, f.format, findings); err != nil {
		return c.Fail(2, err)
	}
	if slices.ContainsFunc(findings, func(x lint.Finding) bool {
		return f.failOn != "none" && lint.AtLeast(x.Severity, aweigh.Severity(f.failOn))
	}) {
		return 1
	}
	return 0
}

func lintProject(ctx context.Context, f *lintFlags, host *hostView, services []string) ([]lint.Finding, error) {
	choice := f.choice()
	choice.Lenient = true
	project, err := compose.Load(ctx, choice)
	if err != nil {
		return nil, err
	}
	if len(services) > 0 {
		if services, err = project.Select(services); err != nil {
			return nil, err
		}
	}
	return lint.Run(host.input(ctx, project, services)), nil
}

func printFindings(c *cli.Context, format string, findings []lint.Finding) error {
	switch format {
	case "json":
		return lint.JSON(c.Stdout, findings)
	case "sarif":
		return lint.SARIF(c.Stdout, findings, cli.Version)
	case "github":
		return lint.GitHub(c.Stdout, findings)
	}
	return lint.Text(c.Stdout, findings)
}
