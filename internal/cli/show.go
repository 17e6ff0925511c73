package cli

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/record"
)

type showFlags struct {
	place
	json bool
}

func showCommand() Command {
	return Command{
		Name: "show", Synopsis: "[flags] START|SERVICE", About: "tell all that is known of one start",
		BadUsage: 2,
		Details: `Tells a start: its phases, how it was asked, its end, what the snapshot found,
its last lines. For a service it is the newest start. Part of an id is enough.`,
		Example: "  PROGRAM show webhook\n  PROGRAM show 01JDQ4 --json | jq .phases",
		Run:     show,
		Flags: func(fs *flag.FlagSet) any {
			f := &showFlags{}
			f.flags(fs)
			fs.BoolVar(&f.json, "json", false, "print JSON")
			return f
		},
	}
}

func show(c *Context, args []string) int {
	f := c.Values.(*showFlags)
	if len(args) != 1 {
		return c.Fail(2, fmt.Errorf("one START or SERVICE is needed, got %d arguments", len(args)))
	}
	dir, r, err := f.find(c, args[0])
	if u := (*unrecorded)(nil); errors.As(err, &u) {
		return c.Tell(Told{Start: u.start}, f.json)
	}
	if err != nil {
		return c.Fail(1, err)
	}
	defer dir.Close()
	s := r.Start()
	if !s.Cause.Named() && record.FailedSoon(s) && c.Program.Explain != nil {
		s.Cause = c.Program.Explain(dir, r)
	}
	t := TellOf(s, r)
	t.place = dir.Path() + "/" + r.Name
	return c.Tell(t, f.json)
}

// Told is all that is known of one start, as show prints it in JSON.
type Told struct {
	aweigh.Start
	Events    []record.Event  `json:"events"`
	LastLines []string        `json:"last_lines"`
	Snapshot  json.RawMessage `json:"snapshot,omitempty"`
	Damaged   int             `json:"damaged_lines,omitempty"`
	// SnapshotText is snapshot.txt.
	SnapshotText string `json:"snapshot_text,omitempty"`

	place string // of its record here
}

// maxSnapshot bounds the text of a snapshot that is told, in bytes.
const maxSnapshot = 1 << 20

// TellOf gathers what a start's record tells.
func TellOf(s aweigh.Start, r *record.Record) Told {
	t := Told{Start: s, LastLines: r.Tail(20)}
	t.Events, t.Damaged = r.Events()
	if snapshot, _ := r.File("snapshot.json"); json.Valid(snapshot) {
		t.Snapshot = snapshot
	}
	if text, ok := r.File("snapshot.txt"); ok {
		t.SnapshotText = string(text[:min(len(text), maxSnapshot)])
	}
	return t
}

// Tell prints a start.
func (c *Context) Tell(t Told, asJSON bool) int {
	if !asJSON {
		tell(c.Stdout, t)
		return 0
	}
	t.SnapshotText = "" // snapshot says the same
	enc := json.NewEncoder(c.Stdout)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(t); err != nil {
		return c.Fail(1, err)
	}
	return 0
}

func tell(w io.Writer, t Told) {
	s := t.Start
	line := func(name, format string, a ...any) {
		fmt.Fprintf(w, "%-9s %s\n", name, record.Printable(fmt.Sprintf(format, a...)))
	}
	line("start", "%s of %s", s.ID, s.Service)
	line("began", "%s on %s (instance %s)", s.Began.Local().Format("2006-01-02 15:04:05.000 MST"), s.Host, s.Instance)
	if len(s.Command) > 0 {
		line("command", "%s", Shorten(strings.Join(s.Command, " "), 300))
	}
	line("verdict", "%s after %s", VerdictWord(s), Took(s))
	if s.Reason != "" && s.Verdict != aweigh.Ready {
		line("reason", "%s", s.Reason)
	}
	if s.InARow > 1 {
		line("", "failure %d in a row", s.InARow)
	}
	if s.Cause.Named() {
		line("cause", "%s", CauseWord(s.Cause))
		for _, text := range []string{s.Cause.Why, s.Cause.Line} {
			if !strings.Contains(s.Reason, text) {
				line("", "%s", text)
			}
		}
		if s.Cause.Fix != "" {
			line("fix", "%s", s.Cause.Fix)
		}
	}
	if s.Probe != nil {
		line("probe", "%s%s%s", s.Probe.Target, asked(s.Probe.Attempts), lastError(s))
	}
	if s.Run != nil {
		line("run", "%s", Then(s))
		if s.Run.Reason != "" {
			line("", "%s", s.Run.Reason)
		}
	} else if s.Exit != nil {
		line("exit", "%s", exitWord(s.Exit))
	}
	if t.place != "" {
		line("record", "%s", t.place)
	}
	waterfall(w, s)
	happened(w, s, t.Events)
	if t.SnapshotText != "" {
		fmt.Fprintf(w, "\nSnapshot, taken before it was ended (all of it in snapshot.txt):\n%s", indent(firstLines(t.SnapshotText, 40)))
	}
	if lines := t.LastLines[max(0, len(t.LastLines)-15):]; len(lines) > 0 {
		fmt.Fprintf(w, "\nLast lines of its output (all of it: logs %s):\n%s", s.ID, indent(strings.Join(lines, "\n")))
	}
	if t.Damaged > 0 {
		fmt.Fprintf(w, "\n%d line(s) of its events could not be read.\n", t.Damaged)
	}
}

func asked(times int) string {
	switch times {
	case 0: // it is not counted
		return ""
	case 1:
		return ", asked once"
	}
	return fmt.Sprintf(", asked %d times", times)
}

func lastError(s aweigh.Start) string {
	if s.Probe.LastError == "" || s.Verdict == aweigh.Ready {
		return ""
	}
	return ", at last: " + s.Probe.LastError
}

// waterfall draws the phases as bars on one scale.
func waterfall(w io.Writer, s aweigh.Start) {
	if len(s.Phases) == 0 {
		return
	}
	var total, before float64 // of what a damaged record says any sum may be too large, or negative
	for _, p := range s.Phases {
		total += max(0, float64(p.MS))
	}
	const width = 40
	fmt.Fprintf(w, "\nPhases:\n")
	for _, p := range s.Phases {
		from, to := 0, 0
		after := before + max(0, float64(p.MS))
		if total > 0 {
			from, to = int(before*width/total), int(after*width/total)
		}
		bar := strings.Repeat(" ", from) + strings.Repeat("▇", max(1, to-from))
		mark := ""
		if p.Open {
			mark = "  ← it was here"
			if s.Verdict == "" {
				mark = "  ← it is here"
			}
		}
		fmt.Fprintf(w, "  %-20s %8s  %s%s\n", Shorten(p.Name, 20), Human(time.Duration(p.MS)*time.Millisecond), bar, mark)
		before = after
	}
}

// happened tells what else was noticed.
func happened(w io.Writer, s aweigh.Start, events []record.Event) {
	first := true
	for _, e := range events {
		switch e.Event {
		case record.StartSlow, record.RunUnhealthy, record.RunHealthy, record.RunOOM, record.Gap, record.Closed, record.RunStopping:
			if first {
				fmt.Fprintln(w, "\nNoticed:")
				first = false
			}
			fmt.Fprintf(w, "  +%-8s %-14s %s\n", Human(time.Duration(e.ElapsedMS)*time.Millisecond), e.Event, record.Printable(e.Reason))
		}
	}
}

func firstLines(text string, n int) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	if len(lines) > n {
		lines = append(lines[:n], fmt.Sprintf("… %d more lines", len(lines)-n))
	}
	for i := range lines {
		lines[i] = record.Printable(lines[i])
	}
	return strings.Join(lines, "\n")
}

func indent(text string) string {
	return "  " + strings.ReplaceAll(text, "\n", "\n  ") + "\n"
}
