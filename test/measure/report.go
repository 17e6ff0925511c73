package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"strconv"
	"strings"
	"text/tabwriter"
)

// report is all that was found.
type report struct {
	Machine string   `json:"machine"`
	Tables  []table  `json:"tables"`
	Targets []target `json:"targets"`
	Notes   []string `json:"notes,omitempty"`
}

type table struct {
	Title   string   `json:"title"`
	Columns []string `json:"columns"`
	Rows    []row    `json:"rows"`
}

type row struct {
	What    string   `json:"what"`
	Figures []figure `json:"figures"`
}

// figure is a number; NaN where there is nothing to say.
type figure float64

var none = figure(math.NaN())

// target is one line of what is to be reached.
type target struct {
	What  string  `json:"what"`
	Value figure  `json:"value"`
	Least bool    `json:"at_least"` // else at most
	Limit float64 `json:"limit"`
	Unit  string  `json:"unit"`
	Met   bool    `json:"met"`
}

func (r *report) atMost(limit float64, unit string, value figure, what string) {
	r.Targets = append(r.Targets, target{What: what, Value: value, Limit: limit, Unit: unit, Met: float64(value) <= limit})
}

func (r *report) atLeast(limit float64, unit string, value figure, what string) {
	r.Targets = append(r.Targets, target{What: what, Value: value, Limit: limit, Unit: unit, Least: true, Met: float64(value) >= limit})
}

// note is said below the figures: what was left out, or what bent them.
func (r *report) note(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}

func (r *report) json(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

func (f figure) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(f)) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(f))
}

func (f figure) String() string {
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

func (r *report) print(w io.Writer) {
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

// machine is this machine in general words.
func machine() string {
	model := runtime.GOARCH
	cpus, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(cpus)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			model = strings.TrimSpace(value)
			break
		}
	}
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	version := strings.SplitN(string(kernel), ".", 3)
	return fmt.Sprintf("%d cores, %s, Linux %s", runtime.NumCPU(), model, strings.Join(version[:min(2, len(version))], "."))
}

// load is how many processes wanted to run during the last minute.
func load() float64 {
	text, _, _ := strings.Cut(readWord("/proc/loadavg"), " ")
	load, _ := strconv.ParseFloat(text, 64)
	return load
}

func readWord(path string) string {
	b, _ := os.ReadFile(path)
	return strings.TrimSpace(string(b))
}
