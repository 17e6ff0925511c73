package operator

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/aweigh/aweigh/internal/cli"
	"github.com/aweigh/aweigh/internal/config"
	"github.com/aweigh/aweigh/internal/deploy"
	"github.com/aweigh/aweigh/internal/docker"
	"github.com/aweigh/aweigh/internal/notify"
	"github.com/aweigh/aweigh/internal/watch"
)

type watchFlags struct {
	config, state, listen, engine, format string
	notify                                cli.StringList
}

// defaultListen is where the pages, the API and the watcher's own health check are.
const defaultListen = "127.0.0.1:7423"

func watchCommand() cli.Command {
	return cli.Command{
		Name: "watch", Synopsis: "[flags]", About: "see every start on this host, and have someone told",
		BadUsage: 2,
		Details: `Follows the container engine: each start is proven or explained, what it prints
is kept, and people are told of incidents. Without a configuration it watches
every container, and needs no label. See docs/watch.md.`,
		Example: `  PROGRAM watch --notify 'smtp://localhost:25/?from=aweigh@example.org&to=you@example.org'
  PROGRAM watch --config aweigh.yaml`,
		Run: runWatch,
		Flags: func(fs *flag.FlagSet) any {
			f := &watchFlags{}
			fs.StringVar(&f.config, "config", "", "`FILE`, as aweigh init writes it (default: aweigh.yaml here, else /etc/aweigh/aweigh.yaml, if there is one)")
			fs.StringVar(&f.state, "state", "", "`DIR` of all that it keeps (default: /var/lib/aweigh, else the user's state directory)")
			fs.StringVar(&f.listen, "listen", "", "`ADDR` of its pages, API and health check, none for no address (default "+defaultListen+")")
			fs.StringVar(&f.engine, "docker", "", "`URL` of the container engine, none for no engine (default: DOCKER_HOST, else the local socket)")
			fs.Var(&f.notify, "notify", "`URL` to tell, besides the routes of the configuration; may be repeated")
			fs.StringVar(&f.format, "log-format", "text", "`FORMAT` of its own lines: text or json")
			return f
		},
	}
}

// watchGC is by how much the heap may grow before it is collected, in per cent
// (GOGC). Most of what a watcher makes is thrown away at once, an inspection of
// each container each minute above all: on a host with 500 containers this is 78
// MiB instead of 93, at the same CPU (test/bench-watch --only scale --quick).
const watchGC = 50

func runWatch(c *cli.Context, args []string) int {
	f := c.Values.(*watchFlags)
	if len(args) > 0 {
		return c.Fail(2, fmt.Errorf("no arguments are taken, got %s", strings.Join(args, " ")))
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(watchGC)
	}
	log := slog.New(slog.NewTextHandler(c.Stderr, nil))
	switch f.format {
	case "text":
	case "json":
		log = slog.New(slog.NewJSONHandler(c.Stderr, nil))
	default:
		return c.Fail(2, fmt.Errorf("--log-format %s: write text or json", f.format))
	}
	conf, err := loadConfig(f.config)
	if err != nil {
		return c.Fail(2, err)
	}
	routes, err := routesOf(conf, f.notify)
	if err != nil {
		return c.Fail(2, err)
	}
	signals, err := watch.CompileSignals(conf)
	if err != nil {
		return c.Fail(2, err)
	}
	if len(routes) == 0 {
		log.Warn("nobody is told of anything: give --notify, or routes in aweigh.yaml", "event", "warning")
	}
	engine, err := openEngine(first(f.engine, conf.Watch.Docker))
	if err != nil {
		return c.Fail(2, err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if engine != nil {
		defer engine.Close()
		check, cancel := context.WithTimeout(ctx, 5*time.Second)
		if err := engine.Check(check); err != nil {
			log.Warn(err.Error()+" Watching goes on, and sees its containers as soon as it answers.", "event", "warning")
		}
		cancel()
	}
	listen := first(f.listen, conf.Watch.Listen, defaultListen)
	if listen == "none" {
		listen = ""
	}
	state := stateDir(first(f.state, conf.Watch.State))
	pages, err := pagesOf(conf, listen, state, log)
	if err != nil {
		return c.Fail(2, err)
	}
	err = watch.Run(ctx, watch.Config{
		Host: watch.HostName(), State: state, Records: conf.Watch.Records, Engine: engine,
		Config: conf, Routes: routes, Signals: signals, Listen: listen, Pages: pages, Journals: deploy.Journals(state), Version: cli.Version, Log: log,
	})
	if err != nil && ctx.Err() == nil {
		return c.Fail(1, err)
	}
	return 0
}

// loadConfig reads the configuration that is named, or the one that is there.
func loadConfig(named string) (*config.Config, error) {
	if named != "" {
		return config.Load(named)
	}
	c, err := config.Load(configPath())
	if errors.Is(err, fs.ErrNotExist) {
		return config.Default(), nil
	}
	return c, err
}

// configPath is the configuration of those who name none: the one here, else
// the host's. It may be missing.
func configPath() string {
	const here, host = "aweigh.yaml", "/etc/aweigh/aweigh.yaml"
	if _, err := os.Stat(here); err == nil {
		return here
	}
	if _, err := os.Stat(host); err == nil {
		return host
	}
	return here
}

// routesOf are the routes of the configuration and of the command line. Each
// is tried now, for at three in the morning is too late.
func routesOf(conf *config.Config, urls []string) ([]notify.Route, error) {
	routes := conf.Routes()
	for n, url := range urls {
		routes = append(routes, notify.Route{Name: fmt.Sprintf("notify-%d", n+1), URL: url})
	}
	for n, r := range routes {
		if _, err := notify.Parse(r); err != nil {
			where := "--notify"
			if n < len(routes)-len(urls) {
				where = conf.RouteOrigin(r.Name).String()
			}
			return nil, fmt.Errorf("%s: %w", where, err)
		}
	}
	return routes, nil
}

func openEngine(host string) (*docker.Engine, error) {
	if host == "none" {
		return nil, nil
	}
	return docker.Open(host)
}

func first(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}
