package config

import (
	"fmt"
	"strings"
	"unicode"
)

// Problem is one thing that is wrong with the file or a label, for a person.
// There is no secret in it.
type Problem struct {
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"`   // the first is 1; 0 is the file as a whole
	Column  int    `json:"column,omitempty"` // in characters, the first is 1
	Label   string `json:"label,omitempty"`  // instead of a file
	Key     string `json:"key,omitempty"`    // "services.webhook.interval"
	Message string `json:"message"`          // what is wrong, and what to do
}

// Error is one line: "aweigh.yaml:7:15: services.webhook.interval: …".
func (p Problem) Error() string {
	var b strings.Builder
	switch {
	case p.Label != "":
		fmt.Fprintf(&b, "label %s: ", p.Label)
	case p.Line > 0:
		fmt.Fprintf(&b, "%s:%d:%d: ", p.File, p.Line, p.Column)
	case p.File != "":
		fmt.Fprintf(&b, "%s: ", p.File)
	}
	if p.Key != "" && p.Label == "" {
		b.WriteString(p.Key + ": ")
	}
	return b.String() + p.Message
}

// Problems is the error of Load: all that is wrong, in the order of the file.
type Problems []Problem

// shownProblems is how many a person can use at once.
const shownProblems = 10

// Error has one line for each of the first ten problems.
func (p Problems) Error() string {
	lines := make([]string, 0, shownProblems+1)
	for i, one := range p {
		if i == shownProblems {
			lines = append(lines, fmt.Sprintf("and %d more", len(p)-i))
			break
		}
		lines = append(lines, one.Error())
	}
	return strings.Join(lines, "\n")
}

// quote repeats what somebody wrote, cut and without control characters.
func quote(s string) string {
	const most = 40
	runes := []rune(strings.ToValidUTF8(s, "\uFFFD"))
	if len(runes) > most {
		runes = append(runes[:most:most], '…')
	}
	for i, c := range runes {
		if !unicode.IsPrint(c) {
			runes[i] = '\uFFFD'
		}
	}
	return `"` + string(runes) + `"`
}
