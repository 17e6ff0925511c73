package lint

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/aweigh/aweigh"
)

// Summary counts findings.
type Summary struct {
	Critical int `json:"critical"`
	Warning  int `json:"warning"`
	Info     int `json:"info"`
	Fixable  int `json:"fixable"`
}

// Summarise counts findings.
func Summarise(findings []Finding) (s Summary) {
	for _, f := range findings {
		switch f.Severity {
		case aweigh.Critical:
			s.Critical++
		case aweigh.Warning:
			s.Warning++
		default:
			s.Info++
		}
		if f.Fixable {
			s.Fixable++
		}
	}
	return s
}

func (s Summary) String() string {
	if s.Critical+s.Warning+s.Info == 0 {
		return "Nothing was found."
	}
	text := fmt.Sprintf("%d critical, %d %s, %d info", s.Critical, s.Warning, plural(s.Warning, "warning"), s.Info)
	if s.Fixable > 0 {
		text += fmt.Sprintf("; --fix does %d of them", s.Fixable)
	}
	return text + "."
}

func plural(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}

// Text writes findings for a person, and for the editors that jump to a place.
func Text(w io.Writer, findings []Finding) error {
	var b strings.Builder
	for _, f := range findings {
		fmt.Fprintf(&b, "%s: %s: %s [%s]\n    fix: %s\n", f.Place(), f.Severity, about(f), f.Rule, f.Fix)
	}
	if len(findings) > 0 {
		b.WriteString("\n")
	}
	fmt.Fprintln(&b, Summarise(findings))
	_, err := io.WriteString(w, b.String())
	return err
}

// about is the message with the services that it is about.
func about(f Finding) string {
	if len(f.Services) == 0 {
		return f.Message
	}
	return strings.Join(f.Services, ", ") + ": " + f.Message
}

// JSON writes one document.
func JSON(w io.Writer, findings []Finding) error {
	if findings == nil {
		findings = []Finding{}
	}
	return encode(w, struct {
		Findings []Finding `json:"findings"`
		Summary  Summary   `json:"summary"`
	}{findings, Summarise(findings)})
}

func encode(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// GitHub writes workflow commands, which GitHub Actions shows at the lines of a
// pull request.
// https://docs.github.com/actions/reference/workflow-commands-for-github-actions
func GitHub(w io.Writer, findings []Finding) error {
	var b strings.Builder
	for _, f := range findings {
		command := map[aweigh.Severity]string{aweigh.Critical: "error", aweigh.Warning: "warning", aweigh.Info: "notice"}[f.Severity]
		fmt.Fprintf(&b, "::%s file=%s", command, property(f.File))
		if f.Line > 0 {
			fmt.Fprintf(&b, ",line=%d,col=%d", f.Line, max(f.Column, 1))
		}
		fmt.Fprintf(&b, ",title=%s::%s\n", property("aweigh "+f.Rule), data(about(f)+"\nfix: "+f.Fix))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// data escapes the text of a workflow command, property a value of one.
func data(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(s)
}

func property(s string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(data(s))
}
