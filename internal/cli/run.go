package cli

import (
	"errors"
	"flag"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/aweigh/aweigh/internal/expect"
	"github.com/aweigh/aweigh/internal/probe"
	"github.com/aweigh/aweigh/internal/record"
	"github.com/aweigh/aweigh/internal/supervise"
)

type runFlags struct {
	service, probe, expect, record string
	port                           port
	startupTimeout, stopGrace      duration
	interval, timeout, keepAge     duration
	keep, retries                  int
	keepBytes                      size
	onUnhealthy, logFormat         choice
	notify                         StringList
	noAssist                       bool
}

func runCommand() Command {
	return Command{
		Name: "run", Synopsis: "[flags] -- COMMAND [ARG...]", About: "start a service, prove that it serves, keep the evidence",
		BadUsage: supervise.ExitError,
		Details: `Starts COMMAND, passes its output and all signals through, and watches it until
it serves: a socket of its own must listen and the probe must succeed. If that
does not happen within --startup-timeout, it takes a snapshot of what the
service is doing, ends it, and says why. Everything is kept in a record.

Exit status: the command's own, or 128+N when signal N ended it; 98 when its
port was taken before it was started; 124 when the deadline passed; 125 for an
error of Aweigh; 126 and 127 as in a shell.`,
		Example: `  PROGRAM run --port 80 -- nginx -g 'daemon off;'
  PROGRAM run --probe http://:5003/health --startup-timeout 60s -- python3 server.py`,
		Run: run,
		Flags: func(fs *flag.FlagSet) any {
			f := &runFlags{startupTimeout: duration(120 * time.Second), stopGrace: duration(10 * time.Second),
				interval: duration(10 * time.Second), timeout: duration(3 * time.Second), keepBytes: 256 << 20,
				onUnhealthy: choice{"report", []string{"report", "exit"}}, logFormat: choice{"text", []string{"text", "json"}}}
			fs.StringVar(&f.service, "service", "", "the service's `NAME` in records and messages (default: the command's base name)")
			fs.Var(&f.port, "port", "the port `N` that must come to listen (default: the probe's, else the first that the service listens on)")
			fs.StringVar(&f.probe, "probe", "", "how to ask: `URL` http(s)://…, tcp://host:port, grpc://host:port[/service], exec:COMMAND, or a path such as /health (default: TCP on the port)")
			fs.StringVar(&f.expect, "expect", "", "what a healthy answer is: `EXPR` such as 'status == 200 && body.status == \"ok\"' (default: any 2xx)")
			fs.Var(&f.startupTimeout, "startup-timeout", "`TIME` within which it must serve")
			fs.StringVar(&f.record, "record", "", "`DIR` for the records, on a volume (default: /var/lib/aweigh if it can be written, else the user's state directory)")
			fs.IntVar(&f.keep, "keep", 50, "keep the records of the last `N` starts")
			fs.Var(&f.keepBytes, "keep-bytes", "keep at most `SIZE` of records of this service")
			fs.Var(&f.keepAge, "keep-age", "keep records at most for `TIME`, 0 for ever")
			fs.Var(&f.interval, "interval", "`TIME` between two probes once it serves")
			fs.Var(&f.timeout, "timeout", "`TIME` for one probe")
			fs.IntVar(&f.retries, "retries", 3, "unhealthy after `N` failed probes in a row")
			fs.Var(&f.onUnhealthy, "on-unhealthy", "what lasting failure does: `report|exit`")
			fs.Var(&f.stopGrace, "stop-grace", "`TIME` between SIGTERM and SIGKILL")
			fs.Var(&f.notify, "notify", "send the verdict of the start to this webhook `URL`; may be repeated")
			fs.Var(&f.logFormat, "log-format", "how Aweigh's own lines look: `text|json`")
			fs.BoolVar(&f.noAssist, "no-assist", false, "do not add variables to the service's environment that help its runtime (Python, Node) to tell what it waits in")
			return f
		},
	}
}

func run(c *Context, command []string) int {
	config, err := c.Values.(*runFlags).config(command)
	if err != nil {
		return c.Fail(supervise.ExitError, err)
	}
	config.Diagnose = c.Program.Diagnose
	return supervise.Run(config)
}

func (f *runFlags) config(command []string) (supervise.Config, error) {
	config := supervise.Config{
		Command: command, Service: f.service, Port: int(f.port),
		StartupTimeout: time.Duration(f.startupTimeout), StopGrace: time.Duration(f.stopGrace),
		Interval: time.Duration(f.interval), Timeout: time.Duration(f.timeout), Retries: f.retries,
		ExitWhenUnhealthy: f.onUnhealthy.value == "exit", NoAssist: f.noAssist,
		RecordDir: f.record, Limits: record.Limits{Count: f.keep, Bytes: int64(f.keepBytes), Age: time.Duration(f.keepAge)},
		LogFormat: f.logFormat.value, Version: version(),
	}
	if len(command) == 0 || command[0] == "" {
		return config, errors.New("no command to start: write it behind --, as in: run --port 80 -- nginx -g 'daemon off;'")
	}
	if config.Service == "" {
		config.Service = serviceOf(command[0])
	} else if !record.ValidService(config.Service) {
		return config, fmt.Errorf("--service %q: a service's name has 1 to 64 letters, digits, '.', '_' and '-', and begins with a letter or a digit", f.service)
	}
	for name, d := range map[string]duration{"startup-timeout": f.startupTimeout, "interval": f.interval, "timeout": f.timeout} {
		if d < duration(10*time.Millisecond) {
			return config, fmt.Errorf("--%s %s: too short: at least 10ms", name, &d)
		}
	}
	if f.retries < 1 || f.keep < 1 {
		return config, errors.New("--retries and --keep must be at least 1")
	}
	for _, link := range f.notify {
		link = strings.TrimPrefix(link, "webhook+")
		u, err := url.Parse(link)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return config, errors.New("--notify: not a webhook: write an http:// or https:// URL")
		}
		config.Notify = append(config.Notify, link)
	}
	return config, f.question(&config)
}

// question fills in how the service is asked.
func (f *runFlags) question(config *supervise.Config) error {
	if f.probe != "" {
		target, err := probe.Parse(f.probe, config.Port)
		if err != nil {
			return fmt.Errorf("--probe: %w", err)
		}
		config.Probe = &target
	}
	if f.expect != "" {
		if config.Probe == nil || config.Probe.Protocol == probe.TCP {
			return errors.New("--expect needs a --probe that answers something: http, https, grpc or exec")
		}
		want, err := expect.Compile(f.expect)
		if err != nil {
			return fmt.Errorf("--expect: %w", err)
		}
		config.Expect = want
	}
	return nil
}

// serviceOf makes a service's name of a command.
func serviceOf(command string) string {
	name := strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-' {
			return c
		}
		return '-'
	}, filepath.Base(command))
	name = strings.TrimLeft(name, ".-_")
	if len(name) > 64 {
		name = name[:64]
	}
	if !record.ValidService(name) {
		return "service"
	}
	return name
}
