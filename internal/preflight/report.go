package preflight

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/aweigh/aweigh/internal/cli"
	"github.com/aweigh/aweigh/internal/record"
)

// words are the verdicts as a person reads them.
var words = map[Verdict]string{Passed: "ok", Warning: "warning", Failed: "FAILED", Unknown: "unknown", Skipped: "-"}

// Text writes the report for a person; below what is not well stands what to do.
func (r Report) Text(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	n := map[Verdict]int{}
	for _, c := range r.Checks {
		n[c.Verdict]++
		name := c.Name
		if c.Service != "" {
			name += " " + c.Service
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", words[c.Verdict], record.Printable(name), cli.Human(time.Duration(c.TookMS)*time.Millisecond), record.Printable(c.Found))
		if c.Fix != "" && c.Verdict != Passed {
			fmt.Fprintf(t, "\t\t\t→ %s\n", record.Printable(c.Fix))
		}
	}
	fmt.Fprintf(t, "\n%s: %d passed, %d warnings, %d failed, %d unknown (%s).\n", r.Verdict, n[Passed], n[Warning], n[Failed], n[Unknown], cli.Human(time.Duration(r.TookMS)*time.Millisecond))
	return t.Flush()
}

// Encode is the report as one JSON document.
func Encode(r Report) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(r)
	return b.Bytes(), err
}
