package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// contender is a command that is measured beside others.
type contender struct {
	what string
	argv []string
	pid1 int // of the PID namespace to run it in; 0 for our own

	wall, cpu []float64 // milliseconds, one per round
}

// contest runs all contenders once to warm them up, and then by turns.
func contest(rounds int, all ...*contender) error {
	for round := range rounds + 1 {
		for i := range all {
			c := all[(round+i)%len(all)] // nobody always follows the same other
			wall, cpu, err := c.run()
			if err != nil {
				return err
			}
			if round > 0 {
				c.wall, c.cpu = append(c.wall, ms(wall)), append(c.cpu, ms(cpu))
			}
		}
	}
	return nil
}

// run is one process from its fork to its end, and what it and the children
// that it waited for have used of the processor.
func (c *contender) run() (wall, cpu time.Duration, err error) {
	if c.pid1 != 0 {
		back, err := enter(c.pid1)
		if err != nil {
			return 0, 0, err
		}
		defer back()
	}
	cmd := c.command()
	began := time.Now()
	err = cmd.Run()
	wall = time.Since(began)
	if err != nil {
		again := c.command()
		said, _ := again.CombinedOutput()
		return 0, 0, fmt.Errorf("%s: %w: %s", strings.Join(c.argv, " "), err, bytes.TrimSpace(said))
	}
	return wall, cpuTime(cmd), nil
}

// cpuTime is what an ended command has used, and the children that it waited for.
func cpuTime(cmd *exec.Cmd) time.Duration {
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
}

func (c *contender) command() *exec.Cmd {
	return exec.Command(c.argv[0], c.argv[1:]...)
}

// enter lets the processes that this goroutine starts be born in the PID
// namespace of another, until back is called.
func enter(pid int) (back func(), err error) {
	there, err := os.Open(fmt.Sprintf("/proc/%d/ns/pid", pid))
	if err != nil {
		return nil, err
	}
	defer there.Close()
	here, err := os.Open("/proc/self/ns/pid")
	if err != nil {
		return nil, err
	}
	runtime.LockOSThread()
	back = func() {
		if unix.Setns(int(here.Fd()), unix.CLONE_NEWPID) == nil {
			runtime.UnlockOSThread() // else nobody else gets this thread
		}
		here.Close()
	}
	if err := unix.Setns(int(there.Fd()), unix.CLONE_NEWPID); err != nil {
		back()
		return nil, fmt.Errorf("the PID namespace of %d: %w", pid, err)
	}
	return back, nil
}

// rows make a table of the contest: wall and CPU, and their ratio to each of
// the rivals.
func rows(all []*contender, rivals ...*contender) (rows []row) {
	for _, c := range all {
		r := row{c.what, []figure{median(c.wall), median(c.cpu)}}
		for _, rival := range rivals {
			if rival == nil {
				r.Figures = append(r.Figures, none)
				continue
			}
			r.Figures = append(r.Figures, median(c.cpu)/median(rival.cpu))
		}
		rows = append(rows, r)
	}
	return rows
}

func ms(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }

func median(values []float64) figure { return quantile(values, 0.5) }

func quantile(values []float64, q float64) figure {
	if len(values) == 0 {
		return none
	}
	sorted := slices.Sorted(slices.Values(values))
	return figure(sorted[int(q*float64(len(sorted)-1)+0.5)])
}

// missing reports which of the commands is not there, "" for none.
func missing(commands ...string) string {
	for _, name := range commands {
		if _, err := exec.LookPath(name); err != nil {
			return name
		}
	}
	return ""
}
