package drill

import (
	"bytes"
	"encoding/xml"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func reportOf(verdicts ...Verdict) *Report {
	r := &Report{Run: "01KB0000000000000000000000", Service: "web", Began: time.Date(2026, 11, 25, 3, 0, 0, 0, time.UTC)}
	for _, v := range verdicts {
		r.Results = append(r.Results, Result{Drill: "hang", Verdict: v, Injects: "it hangs"})
	}
	return r
}

func TestTheExitStatusIsThatOfTheWorst(t *testing.T) {
	for _, c := range []struct {
		verdicts      []Verdict
		status, score int
	}{
		{[]Verdict{Passed, Passed, NotApplicable}, StatusPassed, 100},
		{[]Verdict{Passed, Failed, Inconclusive}, StatusFailed, 50},
		{[]Verdict{Passed, Inconclusive}, StatusInconclusive, 100},
		{[]Verdict{NotApplicable}, StatusInconclusive, -1}, // nothing was proven
		{nil, StatusInconclusive, -1},
	} {
		r := reportOf(c.verdicts...)
		if r.Status() != c.status || r.Score() != c.score {
			t.Errorf("%v: status %d and score %d, want %d and %d", c.verdicts, r.Status(), r.Score(), c.status, c.score)
		}
	}
}

func TestJUnitTellsFailuresErrorsAndSkips(t *testing.T) {
	r := reportOf(Passed, Failed, Inconclusive, NotApplicable)
	r.Results[0].DetectedMS, r.Results[0].ToldMS = ms(1500*time.Millisecond), ms(1600*time.Millisecond)
	r.Results[1].Reason = "nothing was detected within 23s; its last words: <\x1b[31m&]]>"
	var b bytes.Buffer
	if err := r.WriteJUnit(&b); err != nil {
		t.Fatal(err)
	}
	var read junitSuite
	if err := xml.Unmarshal(b.Bytes(), &read); err != nil {
		t.Fatalf("%v in\n%s", err, b.String())
	}
	if read.Tests != 4 || read.Failures != 1 || read.Errors != 1 || read.Skipped != 1 {
		t.Errorf("%+v", read)
	}
	if read.Cases[1].Failure == nil || !strings.HasPrefix(read.Cases[1].Failure.Message, "nothing was detected") {
		t.Errorf("the failure is %+v", read.Cases[1].Failure)
	}
	if out := read.Cases[0].Out; out == nil || out.Text != "it hangs: detected after 1.500 s, told after 1.600 s" {
		t.Errorf("the output is %+v", out)
	}
}

func TestHistoryKeepsReportsAndSkipsALineThatIsHalfWritten(t *testing.T) {
	r := &run{Options: Options{State: t.TempDir()}}
	if all, err := History(r.State, time.Time{}); err != nil || len(all) != 0 {
		t.Fatalf("before any run: %v, %v", all, err)
	}
	first, second := reportOf(Passed), reportOf(Failed)
	second.Began = first.Began.Add(24 * time.Hour)
	if err := r.keep(first); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(filepath.Join(r.State, File), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString(`{"run":"01K` + "\n")
	f.Close()
	if err := r.keep(second); err != nil {
		t.Fatal(err)
	}
	all, err := History(r.State, time.Time{})
	if err != nil || len(all) != 2 || all[1].Count(Failed) != 1 {
		t.Errorf("%+v, %v", all, err)
	}
	if since, _ := History(r.State, second.Began); len(since) != 1 {
		t.Errorf("since the second: %d", len(since))
	}
}
