package cli

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/record"
)

type logsFlags struct {
	place
	phase  string
	follow bool
}

func logsCommand() Command {
	return Command{
		Name: "logs", Synopsis: "[flags] START|SERVICE", About: "print what a start printed, from its first byte",
		BadUsage: 2,
		Details: `Prints the recorded output of a start, byte for byte, or of the newest start of
a service. The containers may be long gone.`,
		Example: "  PROGRAM logs webhook\n  PROGRAM logs 01JDQ4 --phase migrations\n  PROGRAM logs webhook --follow",
		Run:     logs,
		Flags: func(fs *flag.FlagSet) any {
			f := &logsFlags{}
			f.flags(fs)
			fs.StringVar(&f.phase, "phase", "", "only what was printed during the phase `P`")
			fs.BoolVar(&f.follow, "follow", false, "go on printing; of a SERVICE, its next starts as well")
			return f
		},
	}
}

// ErrPhaseFollow says that the one bounds what the other does not.
var ErrPhaseFollow = errors.New("--phase and --follow exclude each other: name one")

const followEvery = 100 * time.Millisecond

func logs(c *Context, args []string) int {
	f := c.Values.(*logsFlags)
	if len(args) != 1 {
		return c.Fail(2, fmt.Errorf("one START or SERVICE is needed, got %d arguments", len(args)))
	}
	if f.phase != "" && f.follow {
		return c.Fail(2, ErrPhaseFollow)
	}
	dir, r, err := f.find(c, args[0])
	if err != nil {
		return c.Fail(1, err)
	}
	defer dir.Close()
	if f.phase != "" {
		return c.logPhase(r, f.phase)
	}
	if !f.follow {
		if _, err := r.CopyOutput(c.Stdout, 0, -1); err != nil {
			return c.Fail(1, err)
		}
		return 0
	}
	return c.follow(dir, r, args[0])
}

func (c *Context) logPhase(r *record.Record, phase string) int {
	from, to, ok := r.PhaseWindow(phase)
	if !ok {
		var names []string
		for _, p := range r.Start().Phases {
			names = append(names, p.Name)
		}
		return c.Fail(1, fmt.Errorf("start %s had no phase %q (it had: %s)", r.ID(), phase, orNone(names)))
	}
	begin, end := r.Between(from, to)
	if _, err := r.CopyOutput(c.Stdout, begin, end); err != nil {
		return c.Fail(1, err)
	}
	return 0
}

// follow prints until the start has ended, or for ever for a service.
func (c *Context) follow(dir *record.Dir, r *record.Record, what string) int {
	var stopped atomic.Bool
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		<-stop
		stopped.Store(true)
	}()
	newer := func() bool { // of a service: another start has begun
		next, err := dir.Find(what)
		return stopped.Load() || err == nil && next.ID() != r.ID()
	}
	service := !strings.EqualFold(what, r.ID()) && !aweigh.ValidID(strings.ToUpper(what)) && what == r.Service()
	for {
		if _, err := r.Follow(c.Stdout, 0, followEvery, newer); err != nil {
			return c.Fail(1, err)
		}
		if !service || stopped.Load() {
			return 0
		}
		for !newer() {
			time.Sleep(followEvery)
		}
		if stopped.Load() {
			return 0
		}
		next, err := dir.Find(what)
		if err != nil {
			return c.Fail(1, err)
		}
		r = next
		fmt.Fprintf(c.Stderr, "--- start %s ---\n", r.ID())
	}
}
