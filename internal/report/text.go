package report

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/objective"
	"github.com/aweigh/aweigh/internal/record"
)

// Text writes the report for a terminal. What came from a container cannot
// steer one.
func (r *Report) Text(out io.Writer) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	line := func(format string, args ...any) { fmt.Fprintf(t, format+"\n", args...) }
	line("%s", r.title())
	line("%s.", r.Headline())
	section := func(title string, items []Item) {
		if len(items) == 0 {
			return
		}
		line("\n%s", title)
		for _, i := range items {
			line("  %s", i.line())
			if i.Command != "" {
				line("      %s", record.Printable(i.Command))
			}
		}
	}
	section("NEEDS A PERSON", r.Attention)
	section("CHANGED", r.Changes)
	if len(r.Objectives) > 0 {
		line("\nOBJECTIVE\tSTATE\tATTAINED\tBUDGET LEFT\tTREND\tPROMISE")
		for _, o := range r.Objectives {
			line("%s\t%s\t%s\t%s\t%s\t%s", o.Name, o.State, shareOf(o.Attainment), shareOf(o.Left), o.Trend, record.Printable(o.Promise))
		}
		if hint := r.unseen(); hint != "" {
			line("%s", hint)
		}
	}
	if len(r.Services) > 0 {
		line("\nSERVICE\tPROJECT\tSTARTS\tREADY\tFAILED\tRESTARTS\tMEDIAN\tP99\tSLOWEST PHASES")
		for _, v := range r.Services {
			line("%s\t%s\t%d\t%d\t%d\t%d\t%s\t%s\t%s", record.Printable(v.Service), dash(record.Printable(v.Project)), v.Starts, v.Verdicts[aweigh.Ready], v.failed(), v.Restarts,
				optional(v.Ready.MedianMS), optional(v.Ready.P99MS), record.Printable(v.Ready.phases()))
		}
	}
	if images := r.images(); len(images) > 0 {
		line("\nSERVICE\tIMAGE\tSINCE\tREADY\tMEDIAN\tP99\tTO THE ONE BEFORE")
		for _, i := range images {
			line("%s\t%s\t%s\t%d\t%s\t%s\t%s", record.Printable(i.Service), record.Printable(imageName(i.Image)), moment(i.First), i.Ready.Count, optional(i.Ready.MedianMS), optional(i.Ready.P99MS), i.against())
		}
	}
	if broken := r.broken(); len(broken) > 0 {
		line("\nBROKEN BY\tWHEN\tSERVICE\tSTART OR INCIDENT\tWHAT")
		for _, b := range broken {
			line("%s\t%s\t%s\t%s\t%s", b.Objective, moment(b.At), record.Printable(b.Service), dash(b.by()), shorten(b.Why(), 90))
		}
	}
	return t.Flush()
}

func (r *Report) title() string {
	what := "All services"
	if r.Service != "" {
		what = record.Printable(r.Service)
	}
	if r.Host != "" {
		what += " on " + record.Printable(r.Host)
	}
	return fmt.Sprintf("%s, %s to %s (%s)", what, moment(r.From), moment(r.To), human(r.To.Sub(r.From)))
}

func (i Item) line() string {
	text := record.Printable(i.What)
	if i.Service != "" {
		text = record.Printable(i.Service) + ": " + text
	}
	if i.Severity != aweigh.Info {
		text = string(i.Severity) + ": " + text
	}
	return shorten(text, 300)
}

// unseen explains why a promise that nothing broke is not kept either.
func (r *Report) unseen() string {
	for _, o := range r.Objectives {
		if o.State == objective.Unknown && o.Known < 0.995 && o.Spent == 0 {
			return fmt.Sprintf("(unknown: nothing broke it in the %s of its %s that were watched, or nothing happened)", Share(o.Known), human(o.Window))
		}
	}
	return ""
}

func (v Service) failed() (n int) {
	for verdict, times := range v.Verdicts {
		if verdict.Failed() {
			n += times
		}
	}
	return n
}

func (t Timing) phases() string {
	var parts []string
	for _, p := range t.Phases {
		parts = append(parts, p.Name+" "+millis(p.MedianMS))
	}
	return dash(strings.Join(parts, ", "))
}

// imageOf is an image with its service.
type imageOf struct {
	Service string
	Image
}

// images are those of services that had another one before, or several.
func (r *Report) images() (all []imageOf) {
	for _, v := range r.Services {
		if len(v.Images) < 2 && (len(v.Images) == 0 || v.Images[0].Against == nil) {
			continue
		}
		for _, i := range v.Images {
			all = append(all, imageOf{v.Service, i})
		}
	}
	return all
}

func (i Image) against() string {
	if i.Against == nil {
		return "-"
	}
	text := fmt.Sprintf("×%.2g", *i.Against)
	if *i.Against >= 99.5 { // of which that would be ×1e+02
		text = fmt.Sprintf("×%.0f", *i.Against)
	}
	switch {
	case i.Slower:
		text += " slower"
	case *i.Against < 0.8:
		text += " faster"
	}
	return text
}

// breakOf is a break with its objective, and those like it: the crashes of one
// loop are one line.
type breakOf struct {
	Objective string
	Times     int
	objective.Break
}

// mostBroken is how many lines each promise has.
const mostBroken = 5

func (r *Report) broken() (all []breakOf) {
	for _, o := range r.Objectives {
		at, lines := map[[2]string]int{}, 0
		for _, b := range o.Breaks {
			key := [2]string{b.Service, b.Incident}
			if b.Incident == "" {
				key[1] = b.What
			}
			n, seen := at[key]
			switch {
			case seen:
				all[n].Times++
			case lines < mostBroken:
				at[key] = len(all)
				lines++
				all = append(all, breakOf{o.Name, 1, b})
			}
		}
	}
	return all
}

// Why is the break in words.
func (b breakOf) Why() string {
	if b.Times > 1 {
		return times(b.Times) + ", at last: " + b.What
	}
	return b.What
}

func (b breakOf) by() string {
	return cmp.Or(b.Start, b.Incident, b.Deployment)
}

func shareOf(x *float64) string {
	if x == nil {
		return "unknown"
	}
	return Share(*x)
}

func optional(ms *int64) string {
	if ms == nil {
		return "-"
	}
	return millis(*ms)
}

func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

func shorten(text string, n int) string {
	text = record.Printable(text)
	if r := []rune(text); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return text
}
