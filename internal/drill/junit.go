package drill

import (
	"encoding/xml"
	"fmt"
	"io"
	"time"
)

type junitSuite struct {
	XMLName  xml.Name    `xml:"testsuite"`
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Time     string      `xml:"time,attr"`
	Stamp    string      `xml:"timestamp,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name    string     `xml:"name,attr"`
	Class   string     `xml:"classname,attr"`
	Time    string     `xml:"time,attr"`
	Failure *junitWhy  `xml:"failure,omitempty"`
	Error   *junitWhy  `xml:"error,omitempty"`
	Skipped *junitWhy  `xml:"skipped,omitempty"`
	Out     *junitText `xml:"system-out,omitempty"`
}

type junitWhy struct {
	Message string `xml:"message,attr"`
}

type junitText struct {
	Text string `xml:",chardata"`
}

// WriteJUnit writes the report as JUnit XML: what failed is a failure, what
// proved nothing an error, what does not apply is skipped.
func (r *Report) WriteJUnit(w io.Writer) error {
	suite := junitSuite{Name: "aweigh drill " + r.Service, Tests: len(r.Results), Failures: r.Count(Failed), Errors: r.Count(Inconclusive),
		Skipped: r.Count(NotApplicable), Time: seconds(r.TookMS), Stamp: r.Began.Format(time.RFC3339)}
	for _, one := range r.Results {
		c := junitCase{Name: one.Drill, Class: "drill." + r.Service, Time: seconds(one.TookMS)}
		why := &junitWhy{one.Reason}
		switch one.Verdict {
		case Failed:
			c.Failure = why
		case Inconclusive:
			c.Error = why
		case NotApplicable:
			c.Skipped = why
		}
		if one.DetectedMS != nil {
			c.Out = &junitText{fmt.Sprintf("%s: detected after %s s", one.Injects, seconds(*one.DetectedMS))}
			if one.ToldMS != nil {
				c.Out.Text += fmt.Sprintf(", told after %s s", seconds(*one.ToldMS))
			}
		}
		suite.Cases = append(suite.Cases, c)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(suite); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func seconds(ms int64) string { return fmt.Sprintf("%.3f", float64(ms)/1000) }
