package cli

import (
	stdcontext "context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/aweigh/aweigh/internal/expect"
	"github.com/aweigh/aweigh/internal/failurelog"
	"github.com/aweigh/aweigh/internal/probe"
	"github.com/aweigh/aweigh/internal/record"
	"github.com/aweigh/aweigh/internal/verdict"
	_ "github.com/aweigh/aweigh/internal/verdict/early" // where a release begins
)

type healthFlags struct {
	service, probe, expect, record, log string
	port                                port
	timeout                             duration
}

func healthCommand() Command {
	return Command{
		Name: "health", Synopsis: "[flags] [URL]", About: "is the service healthy? for a HEALTHCHECK: exit 0 or 1",
		BadUsage: 1,
		Details: `Says by its exit status whether a service is healthy: 0 healthy, 1 not. Under
"run" it asks the supervisor, which knows already; alone, or for another URL
than the supervisor's, it probes by itself. When healthy it prints nothing;
when not, one line that says why, which is kept in a log as well.`,
		Example: `  HEALTHCHECK --interval=10s --timeout=3s --start-period=60s CMD ["/PROGRAM", "health"]
  PROGRAM health http://127.0.0.1:5003/health`,
		Run: health,
		Flags: func(fs *flag.FlagSet) any {
			f := &healthFlags{timeout: duration(3 * time.Second)}
			fs.StringVar(&f.service, "service", "", "the service's `NAME`, where several are supervised in one place")
			fs.StringVar(&f.probe, "probe", "", "how to ask, when no `URL` is given as argument")
			fs.Var(&f.port, "port", "the port `N` for a probe that is a path")
			fs.StringVar(&f.expect, "expect", "", "what a healthy answer is: `EXPR` (default: any 2xx whose body does not say otherwise)")
			fs.Var(&f.timeout, "timeout", "`TIME` for all of it")
			fs.StringVar(&f.record, "record", "", "`DIR` of the records (default: as for run)")
			fs.StringVar(&f.log, "log", "", "`FILE` that keeps failures, rotated at 10 MiB (default: health.log in the record directory)")
			return f
		},
	}
}

// askSupervisor is how long a supervisor may take to say what it knows. One
// that takes longer is stuck, and its word worth nothing.
const askSupervisor = 250 * time.Millisecond

func health(c *Context, args []string) int {
	f := c.Values.(*healthFlags)
	if len(args) > 1 {
		return c.Fail(1, fmt.Errorf("one URL at most, got %d arguments", len(args)))
	}
	target, want, err := f.question(args)
	if err != nil {
		return c.Fail(1, err)
	}
	found := matching(verdict.Ask(min(askSupervisor, time.Duration(f.timeout))), f, target, f.explicit(args, target))
	if init := slices.IndexFunc(found, func(v verdict.Verdict) bool { return v.PID == 1 }); init >= 0 {
		found = found[init : init+1] // it speaks for the container
	}
	if len(found) == 1 && found[0].Fresh() {
		v := found[0]
		if v.Healthy {
			return 0
		}
		return f.unhealthy(c, v.Service, v.Target, "", v.Reason, v.Record)
	}
	if target == nil {
		switch {
		case len(found) > 1:
			return c.Fail(1, fmt.Errorf("%d services are supervised here (%s, %s, …): say which with --service", len(found), found[0].Service, found[1].Service))
		case len(found) == 1 && found[0].Target != "":
			t, err := probe.Parse(found[0].Target, 0)
			if err != nil {
				return c.Fail(1, fmt.Errorf("the supervisor of %s does not come to probe: its last word is %d s old", found[0].Service, found[0].AgeMS/1000))
			}
			target = &t
		default:
			return f.unhealthy(c, f.service, "", "", "no supervisor answers here, and there is no URL to ask: give one, as in: health http://127.0.0.1:5003/health", "")
		}
	}
	ctx, cancel := stdcontext.WithTimeout(stdcontext.Background(), time.Duration(f.timeout))
	defer cancel()
	result := probe.Run(ctx, *target, want)
	if result.OK {
		return 0
	}
	return f.unhealthy(c, f.service, target.String(), f.expect, result.Reason, "")
}

// question reads what is to be asked; a nil target is left to the supervisor.
func (f *healthFlags) question(args []string) (*probe.Target, *expect.Expr, error) {
	text := f.probe
	if len(args) == 1 {
		text = args[0]
	}
	var want *expect.Expr
	if f.expect != "" {
		var err error
		if want, err = expect.Compile(f.expect); err != nil {
			return nil, nil, fmt.Errorf("--expect: %w", err)
		}
	}
	if text == "" {
		if f.port != 0 {
			return &probe.Target{Protocol: probe.TCP, Port: int(f.port)}, want, nil
		}
		return nil, want, nil
	}
	t, err := probe.Parse(text, int(f.port))
	if err != nil {
		return nil, nil, err
	}
	if t.Port == 0 && t.Protocol != probe.Exec {
		if len(args) == 0 {
			return nil, want, nil // AWEIGH_PROBE=/health: only the supervisor knows the port
		}
		return nil, nil, errors.New("the URL has no port: add it, or give --port")
	}
	return &t, want, nil
}

// explicit reports whether it is a question of its own. What is in the environment,
// the supervisor was told as well.
func (f *healthFlags) explicit(args []string, target *probe.Target) bool {
	return len(args) > 0 || f.expect != os.Getenv(envName("expect")) ||
		target != nil && f.probe != os.Getenv(envName("probe"))
}

// matching leaves the supervisors that this check can mean.
func matching(all []verdict.Verdict, f *healthFlags, target *probe.Target, explicit bool) []verdict.Verdict {
	var found []verdict.Verdict
	for _, v := range all {
		switch {
		case f.service != "" && v.Service != f.service:
		case f.record != "" && v.Record != "" && !samePath(v.Record, f.record):
		case explicit && (target == nil || f.expect != ""):
		case target != nil && v.Target != "" && v.Target != target.String() && (explicit || len(all) > 1):
		case target != nil && v.Target == "" && explicit:
		default:
			found = append(found, v)
		}
	}
	return found
}

func samePath(a, b string) bool {
	x, err1 := filepath.Abs(a)
	y, err2 := filepath.Abs(b)
	return err1 == nil && err2 == nil && x == y
}

// unhealthy prints the one line and keeps it.
func (f *healthFlags) unhealthy(c *Context, service, target, expected, came, recordDir string) int {
	line := "unhealthy: "
	if target != "" {
		line += target + ": "
	}
	fmt.Fprintln(c.Stdout, line+record.Printable(came))
	if expected == "" {
		expected = "healthy"
	}
	entry := failurelog.Entry{Time: time.Now().UTC(), Service: service, Target: target, Exit: 1, Expected: expected, Came: came}
	path := f.log
	if path == "" {
		if path = recordDir; path == "" {
			if path = f.record; path == "" {
				path = record.DefaultDir()
			}
		}
		if path == "" {
			return 1
		}
		path = filepath.Join(path, "health.log")
	}
	if err := failurelog.Append(path, entry); err != nil && f.log != "" {
		fmt.Fprintf(c.Stdout, "and --log could not be written: %v\n", err)
	}
	return 1
}
