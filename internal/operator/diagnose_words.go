package operator

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/aweigh/aweigh/internal/diagnose"
	"github.com/aweigh/aweigh/internal/gather"
	"github.com/aweigh/aweigh/internal/record"
)

// Exit status of `diagnose`, besides 2 for bad usage.
const (
	exitNoFailure = 0
	exitCause     = 1 // a cause was named
	exitUnknown   = 3 // nobody can tell: of diagnose no cause can be named, of verify nothing failed and something is unknown
	exitNothing   = 4 // there is nothing to judge: no such service, no evidence
)

func diagnosisStatus(causes []diagnose.Cause) int {
	switch causes[0].ID {
	case "no-failure":
		return exitNoFailure
	case "unknown":
		return exitUnknown
	}
	return exitCause
}

// answer is what `diagnose --json` prints.
type answer struct {
	Service  string           `json:"service,omitempty"`
	Instance string           `json:"instance,omitempty"`
	Start    string           `json:"start,omitempty"`
	Began    time.Time        `json:"began,omitzero"`
	Causes   []diagnose.Cause `json:"causes"`
	Changed  []string         `json:"changed,omitempty"`
	Live     *diagnose.Live   `json:"live,omitempty"`
	NotKnown []string         `json:"not_known,omitempty"`
	Output   string           `json:"output_from,omitempty"`
	LeftOut  int64            `json:"output_left_out_bytes,omitempty"`
}

func answerOf(f *gather.Found, causes []diagnose.Cause) answer {
	live := f.Live
	live.Changed = nil
	return answer{Service: f.Service, Instance: f.Instance, Start: f.Start, Began: f.Began, Causes: causes,
		Changed: f.Live.Changed, Live: &live, NotKnown: f.Notes, Output: f.From, LeftOut: f.Cut}
}

// tellFound tells a person: the cause in one sentence first, then why it is
// believed, what to do, and what else was seen.
func tellFound(w io.Writer, f *gather.Found, causes []diagnose.Cause) error {
	p := &page{w: w}
	printCause(w, record.Printable(f.Service), withPlaces(causes[0]))
	p.list("what differs from the last good start:", f.Live.Changed)
	p.list("less likely:", lessLikely(causes))
	p.list("could not be read:", f.Notes)
	p.line("")
	p.line("%s", subject(f))
	return p.err
}

// withPlaces names where evidence was seen: what was gathered is in no file.
func withPlaces(c diagnose.Cause) diagnose.Cause {
	c.Evidence = slices.DeleteFunc(slices.Clone(c.Evidence), func(l diagnose.Line) bool { return l.Source == "changed" }) // told below
	for i, l := range c.Evidence {
		switch l.Source {
		case "output.log":
			c.Evidence[i].Source = "output"
		case "daemon.log":
			c.Evidence[i].Source, c.Evidence[i].Line = "engine", 0
		case "inspect.json":
			c.Evidence[i].Source = "inspection"
		case "runtime.json", "live":
			c.Evidence[i].Source = "seen"
		case "then":
			c.Evidence[i].Source = "seen then"
		}
	}
	return c
}

// subject says what was judged.
func subject(f *gather.Found) string {
	var parts []string
	if f.Inspection != nil {
		parts = append(parts, fmt.Sprintf("container %s (%s)", f.Inspection.Container.Name, f.Inspection.Container.Status))
	}
	if f.Start != "" {
		parts = append(parts, "start "+f.Start)
	}
	if !f.Began.IsZero() {
		parts = append(parts, "begun at "+f.Began.Local().Format("2006-01-02 15:04:05 MST"))
	}
	if f.From != "" {
		parts = append(parts, fmt.Sprintf("output from %s (%d bytes)", f.From, len(f.Evidence.Output)))
	}
	if port := f.Evidence.ExpectedPort; port != 0 {
		parts = append(parts, fmt.Sprintf("expected on port %d", port))
	}
	return "judged: " + strings.Join(parts, ", ")
}

// page prints what came from outside too, so that each line of it is escaped.
type page struct {
	w   io.Writer
	err error
}

func (p *page) line(format string, a ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintln(p.w, record.Printable(fmt.Sprintf(format, a...)))
	}
}

func (p *page) list(title string, lines []string) {
	if len(lines) == 0 {
		return
	}
	p.line("")
	p.line("%s", title)
	for _, text := range lines {
		p.line("  %s", text)
	}
}
