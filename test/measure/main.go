// Command measure says what aweigh-init costs beside its peers: a shell script
// and curl, tini, tee, a loop that waits. `make bench` runs it.
//
// Whole processes are measured from outside, the contenders in turn, so that a
// busy moment of the machine meets all of them. Absolute figures belong to the
// machine; the ratios are what the targets are about. A missed target is told
// and is no failure: a speed must not break a build. What breaks it is a
// command that fails, or output that is not what was put in.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// bench is one run of the measurements.
type bench struct {
	init  string // aweigh-init
	self  string // this program, which plays the servers and the talkers
	dir   string // everything that is written goes below it
	quick bool
	bytes int64 // of output to move

	report report
}

// sections are what is measured, in this order.
var sections = []struct {
	name    string
	measure func(*bench) error
}{
	{"health", (*bench).health},
	{"launch", (*bench).launch},
	{"memory", (*bench).memory},
	{"output", (*bench).output},
	{"ready", (*bench).ready},
	{"size", (*bench).size},
}

const about = `Measures aweigh-init beside its peers and says which targets are met.

Exit status: 0 also when a target is missed, since a speed is a matter of the
machine; 1 when something is wrong: a command fails, or output is not byte for
byte what was put in; 2 for a bad flag.

Flags:
`

func main() {
	if play(os.Args[1:]) {
		return
	}
	b := bench{report: report{Machine: machine()}}
	program := flag.String("aweigh-init", "bin/aweigh-init", "the `PROGRAM` to measure")
	only := flag.String("only", "", "measure these `SECTIONS` alone, as in health,ready (all: "+strings.Join(names(), ",")+")")
	mebibytes := flag.Int64("mib", 1024, "MiB of output to move")
	dir := flag.String("dir", "", "a `DIRECTORY` on the disk to write to (default: where temporary files go)")
	json := flag.Bool("json", false, "print JSON")
	flag.BoolVar(&b.quick, "quick", false, "few rounds and 128 MiB of output: half a minute, two on a busy machine, and rougher figures")
	flag.Usage = func() {
		fmt.Fprint(flag.CommandLine.Output(), about)
		flag.PrintDefaults()
	}
	flag.Parse()
	b.bytes = *mebibytes << 20
	if b.quick && !given("mib") {
		b.bytes = 128 << 20
	}
	b.bytes -= b.bytes % lineBytes
	err := b.run(*program, *dir, *only)
	if *json {
		err = errors.Join(err, b.report.json(os.Stdout))
	} else {
		b.report.print(os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func (b *bench) run(program, dir, only string) (err error) {
	if b.init, err = filepath.Abs(program); err != nil {
		return err
	}
	if b.self, err = os.Executable(); err != nil {
		return err
	}
	if b.dir, err = os.MkdirTemp(dir, "aweigh-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	if load, cores := load(), runtime.NumCPU(); load > float64(cores)/2 {
		b.report.note("others kept this machine busy (load %.1f on %d cores at the beginning): all is slower than it would be alone, and what wakes often or uses several threads more so", load, cores)
	}
	for _, name := range strings.FieldsFunc(only, comma) {
		if !strings.Contains(","+strings.Join(names(), ",")+",", ","+name+",") {
			return fmt.Errorf("--only %s: there is no such section: %s", name, strings.Join(names(), ", "))
		}
	}
	for _, s := range sections {
		if only != "" && !strings.Contains(","+only+",", ","+s.name+",") {
			continue
		}
		fmt.Fprintf(os.Stderr, "measuring: %s\n", s.name)
		if err := s.measure(b); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

func names() (all []string) {
	for _, s := range sections {
		all = append(all, s.name)
	}
	return all
}

func comma(c rune) bool { return c == ',' }

func given(name string) (found bool) {
	flag.Visit(func(f *flag.Flag) { found = found || f.Name == name })
	return found
}

// rounds is how often to measure.
func (b *bench) rounds(full, quick int) int {
	if b.quick {
		return quick
	}
	return full
}
