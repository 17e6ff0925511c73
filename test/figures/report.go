// Package figures is how this project tells what it has measured: tables of
// figures, and targets that are met or missed.
//
//	r := figures.Report{Machine: figures.Machine()}
//	r.AtMost(80, "MiB", figures.Figure(rss), "resident memory")
//	r.Print(os.Stdout)
package figures

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"
)

// Report is all that was found.
type Report struct {
	Machine string   `json:"machine"`
	Tables  []Table  `json:"tables"`
	Targets []Target `json:"targets"`
	Notes   []string `json:"notes,omitempty"`
}

// Table is what belongs together.
type Table struct {
	Title   string   `json:"title"`
	Columns []string `json:"columns"`
	Rows    []Row    `json:"rows"`
}

// Row is one line of it.
type Row struct {
	What    string   `json:"what"`
	Figures []Figure `json:"figures"`
}

// Figure is a number; None where there is nothing to say.
type Figure float64

// None is no figure.
var None = Figure(math.NaN())

// Target is one line of what is to be reached.
type Target struct {
	What  string  `json:"what"`
	Value Figure  `json:"value"`
	Least bool    `json:"at_least"` // else at most
	Limit float64 `json:"limit"`
	Unit  string  `json:"unit"`
	Met   bool    `json:"met"`
}

// AtMost is a target that a value must not exceed.
func (r *Report) AtMost(limit float64, unit string, value Figure, what string) {
	r.Targets = append(r.Targets, Target{What: what, Value: value, Limit: limit, Unit: unit, Met: float64(value) <= limit})
}

// AtLeast is a target that a value must reach.
func (r *Report) AtLeast(limit float64, unit string, value Figure, what string) {
	r.Targets = append(r.Targets, Target{What: what, Value: value, Limit: limit, Unit: unit, Least: true, Met: float64(value) >= limit})
}

// Note is said below the figures: what was left out, or what bent them.
func (r *Report) Note(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}

// Add adds a table.
func (r *Report) Add(t Table) { r.Tables = append(r.Tables, t) }

// JSON writes the report for machines.
func (r *Report) JSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

// MarshalJSON writes None as null.
func (f Figure) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(f)) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(f))
}

func (f Figure) String() string {
	v := float64(f)
	switch {
	case math.IsNaN(v):
		return "–"
	case v == 0 || v >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case v >= 0.1:
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
	return strconv.FormatFloat(v, 'f', 3, 64)
}

// Print writes the report for people.
func (r *Report) Print(w io.Writer) {
	fmt.Fprintln(w, r.Machine)
	for _, t := range r.Tables {
		fmt.Fprintf(w, "\n%s\n", t.Title)
		grid := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
		width := 0
		for _, row := range t.Rows {
			width = max(width, len([]rune(row.What)))
		}
		fmt.Fprintf(grid, "  %-*s\t%s\t\n", width, "", strings.Join(t.Columns, "\t"))
		for _, row := range t.Rows {
			fmt.Fprintf(grid, "  %-*s", width, row.What)
			for _, f := range row.Figures {
				fmt.Fprintf(grid, "\t%s", f)
			}
			fmt.Fprint(grid, "\t\n")
		}
		grid.Flush()
	}
	if len(r.Targets) > 0 {
		fmt.Fprint(w, "\nTargets\n")
	}
	for _, t := range r.Targets {
		sign, word := "≤", "met"
		if t.Least {
			sign = "≥"
		}
		if !t.Met {
			word = "MISSED"
		}
		fmt.Fprintf(w, "  %-6s  %6s  %s %-4g %-12s  %s\n", word, t.Value, sign, t.Limit, t.Unit, t.What)
	}
	if len(r.Notes) > 0 {
		fmt.Fprintln(w)
	}
	for _, note := range r.Notes {
		fmt.Fprintln(w, "note:", note)
	}
}
