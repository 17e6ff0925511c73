package operator

import (
	"fmt"
	"io"
	"strings"

	"github.com/aweigh/aweigh/internal/cli"
	"github.com/aweigh/aweigh/internal/diagnose"
)

// causesReport is the document of `diagnose --json`.
type causesReport struct {
	Causes []diagnose.Cause `json:"causes"`
}

// tellCauses prints the answer and returns the exit status.
func tellCauses(c *cli.Context, causes []diagnose.Cause, asJSON bool) int {
	if asJSON {
		if err := printJSON(c, causesReport{causes}); err != nil {
			return c.Fail(1, err)
		}
		return 0
	}
	printCause(c.Stdout, "", causes[0])
	if others := lessLikely(causes); len(others) > 0 {
		fmt.Fprintf(c.Stdout, "\nless likely:\n  %s\n", strings.Join(others, "\n  "))
	}
	return 0
}

// lessLikely are the causes after the first, in short.
func lessLikely(causes []diagnose.Cause) (others []string) {
	for _, c := range causes[1:] {
		others = append(others, fmt.Sprintf("%s (%.2f): %s", c.ID, c.Confidence, c.Why))
	}
	return others
}

// printCause prints one cause, the reason first; its texts were made harmless by
// package diagnose. about says what failed, "" where nobody knows.
func printCause(w io.Writer, about string, cause diagnose.Cause) {
	if about != "" {
		about += ": "
	}
	fmt.Fprintf(w, "%s%s\n  %s, %s\n\n", about, cause.Why, cause.ID, cli.Sureness(cause.Confidence))
	for i, line := range cause.Evidence {
		name := ""
		if i == 0 {
			name = "evidence"
		}
		place := line.Source
		if line.Line > 0 {
			place = fmt.Sprintf("%s:%d", line.Source, line.Line)
		}
		item(w, name, place+": "+line.Text)
	}
	item(w, "fix", cause.Fix)
	item(w, "confirm", cause.Confirm)
}

const (
	itemIndent = 12
	itemWidth  = 100
)

// item prints a named text, broken between words.
func item(w io.Writer, name, text string) {
	indent := strings.Repeat(" ", itemIndent)
	line := fmt.Sprintf("  %-*s", itemIndent-2, name)
	for word := range strings.FieldsSeq(text) {
		if len(line) > itemIndent && len(line)+1+len(word) > itemWidth {
			fmt.Fprintln(w, line)
			line = indent
		}
		if len(line) > itemIndent {
			line += " "
		}
		line += word
	}
	fmt.Fprintln(w, line)
}
