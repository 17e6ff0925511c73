// Package cli is the command line that aweigh-init and aweigh share: the
// commands run, health, starts, logs and show, with the same flags and output
// in both.
//
//	os.Exit(cli.Main(cli.Program{Name: "aweigh-init", Default: "run"}, os.Args[1:]))
//
// Each command is one file and one entry of the table below. Each flag can be
// given by the environment as well: --startup-timeout is AWEIGH_STARTUP_TIMEOUT.
package cli

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/nearest"
	"github.com/aweigh/aweigh/internal/record"
	"github.com/aweigh/aweigh/internal/supervise"
)

// Version is set when a release is built (-ldflags "-X …cli.Version=v1.2.3").
var Version = ""

// Program is one of the two binaries.
type Program struct {
	Name    string
	About   string
	Default string // the command that is meant when the first argument is a flag or "--"
	// Commands are those that only this program has. One that has the name of a
	// shared one takes its place.
	Commands []Command
	// Stored are the starts that a watcher's store in dir knows of a service, or
	// of all for "", newest first; nil for a program that reads records only.
	Stored func(dir, service string) ([]aweigh.Start, error)
	// Find is the newest start that a watcher's store in dir knows of a service, or
	// the one whose id begins so; nil for none, and for a program that reads records
	// only.
	Find func(dir, startOrService string) (*aweigh.Start, error)
	// Diagnose names the cause of what failed under run, and Explain that of a
	// record; nil for a program that leaves it to others.
	Diagnose func(supervise.Failure) *aweigh.Cause
	Explain  func(dir *record.Dir, r *record.Record) *aweigh.Cause
}

// Command is one row of the table of commands.
type Command struct {
	Name     string
	Synopsis string // what follows the name
	About    string // one line
	Details  string
	Example  string // PROGRAM stands for the binary's name
	BadUsage int    // exit status for an unusable command line
	Run      func(c *Context, args []string) int
	Flags    func(fs *flag.FlagSet) any // registers the flags and returns where they are kept
}

// Context is what a running command has.
type Context struct {
	Program Program
	Command *Command
	Values  any // what Flags returned
	Stdout  io.Writer
	Stderr  io.Writer
	// Deed is set where the exit status is that of what was done, also where the output
	// could not be written.
	Deed bool
}

// Shared are the commands of both programs.
func Shared() []Command {
	return []Command{runCommand(), healthCommand(), startsCommand(), logsCommand(), showCommand()}
}

func (p Program) commands() []Command {
	all := Shared()
	for _, own := range p.Commands {
		at := slices.IndexFunc(all, func(c Command) bool { return c.Name == own.Name })
		if at < 0 {
			all = append(all, own)
		} else {
			all[at] = own
		}
	}
	return all
}

// Main runs the command that args name and returns the exit status.
func Main(p Program, args []string) int {
	stdout := &output{File: os.Stdout}
	code := dispatch(p, args, stdout, os.Stderr)
	if code == 0 && stdout.err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", p.Name, stdout.err)
		return 1
	}
	return code
}

// output remembers that something could not be written: who redirects into a file
// must not take half of it for all.
type output struct {
	*os.File
	err error
}

func (o *output) Write(b []byte) (int, error) {
	n, err := o.File.Write(b)
	if o.err == nil {
		o.err = err
	}
	return n, err
}

func (o *output) WriteString(s string) (int, error) { return o.Write([]byte(s)) }

func dispatch(p Program, args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		usage(stderr, p)
		return 125
	}
	name := args[0]
	switch {
	case name == "help" && len(args) > 1:
		name, args = args[1], []string{args[1], "--help"}
	case name == "help" || name == "-h" || name == "-help" || name == "--help":
		usage(stdout, p)
		return 0
	case name == "version" || name == "--version" || name == "-version":
		fmt.Fprintln(stdout, p.Name, version())
		return 0
	case strings.HasPrefix(name, "-") && p.Default != "":
		name, args = p.Default, append([]string{p.Default}, args...)
	}
	for _, cmd := range p.commands() {
		if cmd.Name == name {
			return cmd.main(p, args[1:], stdout, stderr)
		}
	}
	hint := fmt.Sprintf("see %s --help", p.Name)
	if p.Default != "" {
		hint = fmt.Sprintf("to start a service, write: %s -- %s", p.Name, strings.Join(args, " "))
	}
	fmt.Fprintf(stderr, "%s: there is no command %q; %s\n", p.Name, name, hint)
	return 125
}

func (cmd Command) main(p Program, args []string, stdout, stderr io.Writer) int {
	fs := flag.NewFlagSet(cmd.Name, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	c := &Context{Program: p, Command: &cmd, Stdout: stdout, Stderr: stderr}
	c.Values = cmd.Flags(fs)
	err := fromEnvironment(fs)
	if err == nil {
		args, err = parse(fs, args, cmd.Name == "run")
	}
	if errors.Is(err, flag.ErrHelp) {
		cmd.help(stdout, p, fs)
		return 0
	}
	if err != nil {
		return c.Fail(cmd.BadUsage, explainFlag(err, fs))
	}
	code := cmd.Run(c, args)
	if o, ok := stdout.(*output); ok && c.Deed {
		o.err = nil
	}
	return code
}

// parse lets flags stand behind arguments as well (aweigh starts web --json),
// except before a command that has flags of its own.
func parse(fs *flag.FlagSet, args []string, stop bool) ([]string, error) {
	var rest []string
	for {
		if err := fs.Parse(args); err != nil {
			return nil, err
		}
		args = fs.Args()
		if stop || len(args) == 0 {
			return append(rest, args...), nil
		}
		rest, args = append(rest, args[0]), args[1:]
	}
}

// fromEnvironment sets the flags that the environment names.
func fromEnvironment(fs *flag.FlagSet) (err error) {
	fs.VisitAll(func(f *flag.Flag) {
		name := envName(f.Name)
		value, ok := os.LookupEnv(name)
		if !ok || value == "" || err != nil {
			return
		}
		if list, many := f.Value.(*StringList); many {
			*list = append(*list, strings.Fields(value)...)
			return
		}
		if e := f.Value.Set(value); e != nil { // fs.Set would have it look as Given
			err = fmt.Errorf("%s=%q: %w", name, value, e)
		}
	})
	return err
}

// Given reports whether the command line itself names a flag, and not only the
// environment.
func Given(fs *flag.FlagSet, name string) (given bool) {
	fs.Visit(func(f *flag.Flag) { given = given || f.Name == name })
	return given
}

func envName(flag string) string {
	return "AWEIGH_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// Fail prints one line that says what is wrong, and returns the status.
func (c *Context) Fail(status int, err error) int {
	fmt.Fprintf(c.Stderr, "%s %s: %v\n", c.Program.Name, c.Command.Name, err)
	return status
}

// explainFlag puts package flag's errors into words, and names the nearest
// flag for a mistyped one.
func explainFlag(err error, fs *flag.FlagSet) error {
	text := err.Error()
	if name, ok := strings.CutPrefix(text, "flag provided but not defined: -"); ok {
		var names []string
		fs.VisitAll(func(f *flag.Flag) { names = append(names, f.Name) })
		return fmt.Errorf("there is no flag --%s%s; see --help", name, didYouMean(name, names))
	}
	if name, ok := strings.CutPrefix(text, "flag needs an argument: -"); ok {
		return fmt.Errorf("--%s needs a value; see --help", name)
	}
	if rest, ok := strings.CutPrefix(text, "invalid value "); ok {
		value, rest, _ := strings.Cut(rest, " for flag -")
		name, why, _ := strings.Cut(rest, ": ")
		return fmt.Errorf("--%s %s: %s", name, value, why)
	}
	return err
}

func didYouMean(name string, known []string) string {
	if best := nearest.Word(name, known); best != "" {
		return fmt.Sprintf(" (did you mean --%s?)", best)
	}
	return ""
}

// usageColumn is where the list of commands says what each does.
const usageColumn = 38

func usage(w io.Writer, p Program) {
	fmt.Fprintf(w, "%s\n\nUsage:\n", p.About)
	if p.Default != "" {
		fmt.Fprintf(w, "  %s [flags] -- COMMAND [ARG...]    short for %s run\n", p.Name, p.Name)
	}
	for _, cmd := range p.commands() {
		line := p.Name + " " + cmd.Name + " " + cmd.Synopsis
		if len(line) > usageColumn {
			fmt.Fprintf(w, "  %s\n", line)
			line = ""
		}
		fmt.Fprintf(w, "  %-*s  %s\n", usageColumn, line, cmd.About)
	}
	fmt.Fprintf(w, "  %-*s  %s\n\n%s COMMAND --help tells more of each.\n", usageColumn, p.Name+" version", "print the version", p.Name)
}

func (cmd Command) help(w io.Writer, p Program, fs *flag.FlagSet) {
	fmt.Fprintf(w, "%s %s %s\n\n%s\n", p.Name, cmd.Name, cmd.Synopsis, cmd.Details)
	fmt.Fprintf(w, "\nFlags (each also as an environment variable, AWEIGH_ and its name in capitals):\n")
	fs.VisitAll(func(f *flag.Flag) {
		value, text := flag.UnquoteUsage(f)
		if value != "" {
			value = " " + value
		}
		if f.DefValue != "" && f.DefValue != "0" && f.DefValue != "false" {
			text += fmt.Sprintf(" (default %s)", f.DefValue)
		}
		fmt.Fprintf(w, "  --%-24s %s\n", f.Name+value, text)
	})
	fmt.Fprintf(w, "\nExample:\n%s\n", strings.ReplaceAll(cmd.Example, "PROGRAM", p.Name))
}

// version is the release, else what the Go tool recorded of the sources.
func version() string {
	if Version != "" {
		return Version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return "built from " + s.Value[:12]
		}
	}
	return "(development)"
}
