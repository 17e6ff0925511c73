// Command measurewatch says what `aweigh watch` costs, and how soon it tells.
// `make bench` runs it.
//
// The watcher is measured from outside, as the process that a user runs. Hosts
// with hundreds of containers are played (package test/engine); what is said
// beside Docker's own doing is measured on the real engine. A missed target is
// told and is no failure: a speed must not break a build.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/aweigh/aweigh/test/figures"
)

// bench is one run of the measurements.
type bench struct {
	aweigh string // the program to measure
	self   string // this program, which plays the servers
	dir    string // everything that is written goes below it
	quick  bool
	crowd  int // how many containers the largest host has

	report figures.Report
}

// sections are what is measured, in this order.
var sections = []struct {
	name    string
	measure func(*bench) error
}{
	{"scale", (*bench).scale},
	{"probes", (*bench).probes},
	{"death", (*bench).death},
	{"begin", (*bench).begin},
	{"facts", (*bench).facts},
	{"page", (*bench).page},
}

const about = `Measures aweigh watch and says which targets are met. What needs a Docker
Engine, a mail server (python3-aiosmtpd) or root is left out where that is not
there, with a note.

Exit status: 0 also when a target is missed, since a speed is a matter of the
machine; 1 when something is wrong; 2 for a bad flag.

Flags:
`

func main() {
	if play(os.Args[1:]) {
		return
	}
	b := bench{report: figures.Report{Machine: figures.Machine()}}
	program := flag.String("aweigh", "bin/aweigh", "the `PROGRAM` to measure")
	only := flag.String("only", "", "measure these `SECTIONS` alone, as in scale,death (all: "+strings.Join(names(), ",")+")")
	dir := flag.String("dir", "", "a `DIRECTORY` on the disk to write to (default: where temporary files go)")
	json := flag.Bool("json", false, "print JSON")
	flag.IntVar(&b.crowd, "containers", 500, "`NUMBER` of containers of the largest host")
	flag.BoolVar(&b.quick, "quick", false, "shorter, and rougher figures")
	flag.Usage = func() {
		fmt.Fprint(flag.CommandLine.Output(), about)
		flag.PrintDefaults()
	}
	flag.Parse()
	err := b.run(*program, *dir, *only)
	if *json {
		err = errors.Join(err, b.report.JSON(os.Stdout))
	} else {
		b.report.Print(os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "measurewatch:", err)
		os.Exit(1)
	}
}

func (b *bench) run(program, dir, only string) (err error) {
	if b.aweigh, err = filepath.Abs(program); err != nil {
		return err
	}
	if b.self, err = os.Executable(); err != nil {
		return err
	}
	if b.dir, err = os.MkdirTemp(dir, "aweigh-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	if load, cores := figures.Load(), runtime.NumCPU(); load > float64(cores)/2 {
		b.report.Note("others kept this machine busy (load %.1f on %d cores at the beginning): all is slower than it would be alone", load, cores)
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

// rounds is how often to measure.
func (b *bench) rounds(full, quick int) int {
	if b.quick {
		return quick
	}
	return full
}
