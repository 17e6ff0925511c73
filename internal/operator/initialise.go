package operator

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/cli"
	"github.com/aweigh/aweigh/internal/config/propose"
)

type initFlags struct {
	project
	engine string
	print  bool
}

func initCommand() cli.Command {
	return cli.Command{
		Name: "init", Synopsis: "[flags] [FILE]", About: "write aweigh.yaml from the compose file and the running containers",
		BadUsage: 2,
		Details: `Writes FILE (default: aweigh.yaml), with a comment on each proposal: probes from
health checks and published ports. An existing file is never overwritten.`,
		Example: "  PROGRAM init\n  PROGRAM init -f compose.prod.yaml --print",
		Run:     initialise,
		Flags: func(fs *flag.FlagSet) any {
			f := &initFlags{}
			f.project.flags(fs)
			fs.StringVar(&f.engine, "docker", "", "`URL` of the container engine, none to leave it aside")
			fs.BoolVar(&f.print, "print", false, "print it, and write nothing")
			return f
		},
	}
}

func initialise(c *cli.Context, args []string) int {
	f := c.Values.(*initFlags)
	if len(args) > 1 {
		return c.Fail(2, fmt.Errorf("one FILE at most, got %s", strings.Join(args, " ")))
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	compose, err := propose.FromCompose(ctx, f.choice())
	if err != nil && len(f.files) > 0 {
		return c.Fail(1, err)
	}
	if err != nil {
		fmt.Fprintf(c.Stderr, "no compose file is read (%v)\n", err)
	}
	running, err := runningServices(ctx, f.engine)
	if err != nil {
		fmt.Fprintf(c.Stderr, "no container is asked (%v)\n", err)
	}
	services := propose.Merge(compose, running)
	if f.print {
		c.Stdout.Write(propose.Text(services))
		return 0
	}
	path := first(strings.Join(args, ""), "aweigh.yaml")
	if err := propose.Init(path, services); err != nil {
		return c.Fail(1, err)
	}
	fmt.Fprintf(c.Stdout, "%s is written, for %d services. Look it over, then: %s config check && %s watch --config %s\n", path, len(services), c.Program.Name, c.Program.Name, path)
	return 0
}

func runningServices(ctx context.Context, host string) ([]propose.Service, error) {
	engine, err := openEngine(host)
	if err != nil || engine == nil {
		return nil, err
	}
	defer engine.Close()
	containers, err := engine.Running(ctx)
	if err != nil {
		return nil, err
	}
	var all []propose.Service
	for _, k := range containers {
		all = append(all, proposed(k))
	}
	return all, nil
}

func proposed(c aweigh.Container) propose.Service {
	s := propose.Service{Service: c.Service, Image: c.Image, Labels: c.Labels, HealthTest: c.HealthTest, Restart: c.Policy}
	for _, port := range c.Published {
		s.Ports = append(s.Ports, propose.Port{Container: port, Published: true, Protocol: "tcp"})
	}
	for _, port := range c.Exposed {
		if !slices.Contains(c.Published, port) {
			s.Ports = append(s.Ports, propose.Port{Container: port, Protocol: "tcp"})
		}
	}
	return s
}
