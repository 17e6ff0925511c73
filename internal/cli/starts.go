package cli

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/record"
)

type startsFlags struct {
	place
	since        string
	json, failed bool
}

func startsCommand() Command {
	return Command{
		Name: "starts", Synopsis: "[flags] [SERVICE]", About: "list the recorded starts, newest first",
		BadUsage: 2,
		Details: `Lists the recorded starts of all services, or of one, newest first: when each
began, how it ended, and how long it took.`,
		Example: "  PROGRAM starts webhook --since 2h\n  PROGRAM starts --failed --json | jq -r .reason",
		Run:     starts,
		Flags: func(fs *flag.FlagSet) any {
			f := &startsFlags{}
			f.flags(fs)
			fs.BoolVar(&f.json, "json", false, "print one JSON object a line")
			fs.StringVar(&f.since, "since", "", "only those begun since `TIME`: 2h, 30d, 2026-11-23, 2026-11-23T03:12:00Z")
			fs.BoolVar(&f.failed, "failed", false, "only those that failed, or crashed after they were ready")
			return f
		},
	}
}

func starts(c *Context, args []string) int {
	f := c.Values.(*startsFlags)
	service := ""
	switch len(args) {
	case 0:
	case 1:
		service = args[0]
	default:
		return c.Fail(2, fmt.Errorf("one service at most, got %s", strings.Join(args, " ")))
	}
	var since time.Time
	if f.since != "" {
		var err error
		if since, err = Moment(f.since, time.Now()); err != nil {
			return c.Fail(2, fmt.Errorf("--since: %w", err))
		}
	}
	dir, err := f.open()
	if err != nil {
		return c.Fail(1, err)
	}
	defer dir.Close()
	recorded, err := f.all(c, dir, service)
	if err != nil {
		return c.Fail(1, err)
	}
	if service != "" && len(recorded) == 0 {
		services, _ := dir.Services()
		return c.Fail(1, fmt.Errorf("no start of %q is recorded in %s (services here: %s)", service, dir.Path(), orNone(services)))
	}
	var list []aweigh.Start
	for _, s := range slices.Backward(recorded) {
		if s.Began.Before(since) || f.failed && !failed(s) {
			continue
		}
		list = append(list, s)
	}
	return c.PrintStarts(list, f.json, f.failed || f.since != "", dir.Path())
}

// failed is what a watcher's store calls so: soon or late.
func failed(s aweigh.Start) bool {
	return s.Verdict.Failed() || s.Run != nil && (s.Run.End == aweigh.RunCrashed || s.Run.End == aweigh.RunOOMKilled)
}

// PrintStarts prints starts as a table, or one JSON object a line; some says that
// there may be others, and where says where there are none.
func (c *Context) PrintStarts(list []aweigh.Start, asJSON, some bool, where string) int {
	if asJSON {
		return c.printJSON(list)
	}
	if len(list) == 0 {
		fmt.Fprintf(c.Stdout, "%s in %s\n", map[bool]string{true: "no such start", false: "no starts recorded"}[some], where)
		return 0
	}
	table(c.Stdout, list)
	return 0
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

func (c *Context) printJSON(list []aweigh.Start) int {
	enc := json.NewEncoder(c.Stdout)
	enc.SetEscapeHTML(false)
	for _, s := range list {
		if err := enc.Encode(s); err != nil {
			return c.Fail(1, err)
		}
	}
	return 0
}

func table(w io.Writer, list []aweigh.Start) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "START\tSERVICE\tBEGAN\tVERDICT\tAFTER\tTHEN")
	for _, s := range list {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", s.ID, s.Service, s.Began.Local().Format("2006-01-02 15:04:05"), VerdictWord(s), Took(s), Then(s))
	}
	t.Flush()
}

// VerdictWord is the verdict, also of a start that has none yet.
func VerdictWord(s aweigh.Start) string {
	if s.Verdict == "" {
		return "coming up"
	}
	return record.Printable(string(s.Verdict))
}

// Took is how long a start took, or has been coming up.
func Took(s aweigh.Start) string {
	if s.TookMS == nil {
		if s.Verdict == "" {
			return Human(time.Since(s.Began))
		}
		return "-"
	}
	return Human(time.Duration(*s.TookMS) * time.Millisecond)
}

// Then says what came after the verdict, or why it is what it is.
func Then(s aweigh.Start) string {
	switch {
	case s.Run != nil && s.Run.End == "" && s.Verdict == aweigh.Ready && s.TookMS == nil:
		return "serving"
	case s.Run != nil && s.Run.End == "" && s.Verdict != aweigh.Ready:
		return "goes on: " + Shorten(s.Reason, 90)
	case s.Run != nil && s.Run.End == "":
		return "serving since " + s.Began.Add(time.Duration(*s.TookMS)*time.Millisecond).Local().Format("15:04:05")
	case s.Run != nil:
		text := string(s.Run.End)
		if s.Exit != nil {
			text += fmt.Sprintf(" (%s)", exitWord(s.Exit))
		}
		if s.Run.Ended != nil {
			text += " after " + Human(time.Duration(s.Run.ServedMS)*time.Millisecond)
		}
		return record.Printable(text)
	}
	if s.Cause.Named() && s.Verdict.Failed() {
		return Shorten(s.Cause.ID+": "+s.Reason, 90)
	}
	return Shorten(s.Reason, 90)
}

// CauseWord names a cause, and how sure that is.
func CauseWord(c *aweigh.Cause) string {
	return fmt.Sprintf("%s, %s", record.Printable(c.ID), Sureness(c.Confidence))
}

// Sureness is a confidence in words and as a number: "very likely (0.93)".
func Sureness(x float64) string {
	word := "a guess"
	switch {
	case x >= 0.95:
		word = "almost certain"
	case x >= 0.8:
		word = "very likely"
	case x >= 0.6:
		word = "likely"
	case x >= 0.4:
		word = "possible"
	}
	return fmt.Sprintf("%s (%.2f)", word, x)
}

func exitWord(e *aweigh.Exit) string {
	switch {
	case e.OOM && e.Signal == "SIGKILL":
		return "out of memory"
	case e.Signal != "":
		return e.Signal
	}
	return fmt.Sprintf("exit %d", e.Code)
}

// Shorten makes text safe for a terminal and at most n characters long.
func Shorten(s string, n int) string {
	s = record.Printable(s)
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

// Human prints a duration as a person would read it.
func Human(d time.Duration) string {
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d < time.Hour:
		return d.Round(time.Second).String()
	}
	return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
}
