package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// contender is a command that is measured beside others.
type contender struct {
	what string
	argv []string
	env  []string // beside our own

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
	cmd := exec.Command(c.argv[0], c.argv[1:]...)
	cmd.Env = append(os.Environ(), c.env...)
	return cmd
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
