package verify

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// words are the results as a person reads them.
var words = map[Result]string{Passed: "ok", Failed: "FAILED", Unknown: "unknown", Skipped: "-"}

// Text writes the report for a person: a table a service. What is not passed says
// what was expected.
func (r Report) Text(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	service := ""
	for _, c := range r.Checks {
		if c.Service != service {
			service = c.Service
			fmt.Fprintf(t, "%s\n", service)
		}
		found := c.Found
		if c.Result == Failed || c.Result == Unknown {
			found += "; expected: " + c.Expected
		}
		fmt.Fprintf(t, "  %s\t%s\t%s\n", words[c.Result], c.Name, found)
	}
	fmt.Fprintf(t, "\n%s\n", r.sentence())
	return t.Flush()
}

func (r Report) sentence() string {
	n := map[Result]int{}
	for _, c := range r.Checks {
		n[c.Result]++
	}
	text := fmt.Sprintf("%s: %d passed, %d failed, %d unknown", r.Result, n[Passed], n[Failed], n[Unknown])
	if n[Skipped] > 0 {
		text += fmt.Sprintf(", %d not applicable", n[Skipped])
	}
	return fmt.Sprintf("%s (%.1fs).", text, float64(r.TookMS)/1000)
}

// JSON writes one document.
func (r Report) JSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

// TAP writes version 14 of the Test Anything Protocol. Unknown is not ok.
// https://testanything.org/tap-version-14-specification.html
func (r Report) TAP(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "TAP version 14\n1..%d\n", len(r.Checks))
	for n, c := range r.Checks {
		name := strings.NewReplacer(`\`, `\\`, "#", `\#`).Replace(c.Service + " " + c.Name)
		switch c.Result {
		case Passed:
			fmt.Fprintf(&b, "ok %d - %s\n", n+1, name)
		case Skipped:
			fmt.Fprintf(&b, "ok %d - %s # SKIP %s\n", n+1, name, strings.ReplaceAll(c.Found, "#", `\#`))
		default:
			// JSON strings are YAML strings.
			expected, _ := json.Marshal(c.Expected)
			found, _ := json.Marshal(c.Found)
			fmt.Fprintf(&b, "not ok %d - %s\n  ---\n  result: %s\n  expected: %s\n  found: %s\n  ...\n", n+1, name, c.Result, expected, found)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// What JUnit's consumers read.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Time     string       `xml:"time,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name      string      `xml:"name,attr"`
		Tests     int         `xml:"tests,attr"`
		Failures  int         `xml:"failures,attr"`
		Errors    int         `xml:"errors,attr"`
		Skipped   int         `xml:"skipped,attr"`
		Timestamp string      `xml:"timestamp,attr"`
		Cases     []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Name    string       `xml:"name,attr"`
		Class   string       `xml:"classname,attr"`
		Failure *junitReason `xml:"failure,omitempty"`
		Error   *junitReason `xml:"error,omitempty"`
		Skipped *junitReason `xml:"skipped,omitempty"`
	}
	junitReason struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// JUnit writes the report as XML, a suite a service. What is unknown is an error,
// as JUnit calls what could not be tried.
func (r Report) JUnit(w io.Writer) error {
	all := junitSuites{Name: "aweigh verify", Time: fmt.Sprintf("%.3f", float64(r.TookMS)/1000)}
	for _, c := range r.Checks {
		if n := len(all.Suites); n == 0 || all.Suites[n-1].Name != c.Service {
			all.Suites = append(all.Suites, junitSuite{Name: c.Service, Timestamp: r.Began.Format(time.RFC3339)})
		}
		s := &all.Suites[len(all.Suites)-1]
		one := junitCase{Name: c.Name, Class: c.Service}
		why := &junitReason{Message: c.Found, Text: "expected: " + c.Expected + "\nfound: " + c.Found}
		switch c.Result {
		case Failed:
			one.Failure = why
			s.Failures++
			all.Failures++
		case Unknown:
			one.Error = why
			s.Errors++
			all.Errors++
		case Skipped:
			one.Skipped = &junitReason{Message: c.Found}
			s.Skipped++
		}
		s.Tests++
		all.Tests++
		s.Cases = append(s.Cases, one)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}
