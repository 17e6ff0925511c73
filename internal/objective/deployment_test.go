package objective

import (
	"fmt"
	"testing"
	"time"

	"github.com/aweigh/aweigh"
)

// journal is a deployment of webhook and db that began at a time, and took a minute.
func journal(id string, at time.Time, outcome string) Journaled {
	return Journaled{ID: id, By: "ann", Outcome: outcome, Targets: []Target{{"", "webhook"}, {"", "db"}},
		Planned: at, Applied: at.Add(10 * time.Second), Proven: at.Add(50 * time.Second), Decided: at.Add(59 * time.Second), Last: at.Add(time.Minute)}
}

func TestADeploymentOfSeveralServicesCountsOnce(t *testing.T) {
	e := always()
	begin := ago(5 * day)
	e.Journals = []Journaled{journal("D1", begin, "deployed")}
	db := ready("B", "b", begin.Add(11*time.Second), 20*time.Second)
	db.Service = "db"
	e.Starts = []aweigh.Start{
		ready("A", "a", begin.Add(32*time.Second), 15*time.Second), db,
		ready("C", "c", ago(4*day), time.Second), // somebody ran docker compose up
	}
	all := e.DeploymentsIn(Span{ago(30 * day), now})
	if len(all) != 2 || all[0].Journal.ID != "D1" || fmt.Sprint(all[0].Services()) != "[db webhook]" || len(all[0].New) != 2 || all[1].Journal != nil {
		t.Fatalf("%+v", all)
	}
	if r := Judge(of(Deployments), e); r.Good != 2 || r.Bad != 0 || r.State != Kept {
		t.Errorf("%d good, %d bad, %s", r.Good, r.Bad, r.State)
	}
	for n := range e.Starts { // its journal says deployed: it was, but too late
		if e.Starts[n].ID == "B" {
			took := (90 * time.Second).Milliseconds()
			e.Starts[n].TookMS = &took
		}
	}
	r := Judge(of(Deployments), e)
	if r.Bad != 1 || r.Breaks[0].Start != "B" || r.Breaks[0].Service != "db" || r.Breaks[0].Deployment != "D1" {
		t.Errorf("%d bad: %+v", r.Bad, r.Breaks)
	}
}

func TestADeploymentThatWasRolledBackIsBadHoweverWellTheOldOneRunsAgain(t *testing.T) {
	e := always()
	begin := ago(2 * day)
	j := journal("D1", begin, "rolled-back")
	j.Failed, j.Why = true, "verify of all: webhook: no answer"
	e.Journals = []Journaled{j}
	e.Starts = []aweigh.Start{crashed("A", begin.Add(20*time.Second)), ready("O", "old", begin.Add(40*time.Second), time.Second)}
	r := Judge(of(Deployments), e)
	if r.Good != 0 || r.Bad != 1 || r.Breaks[0].What != "rolled-back: verify of all: webhook: no answer" || r.Breaks[0].Start != "A" {
		t.Errorf("%d good, %d bad: %+v", r.Good, r.Bad, r.Breaks)
	}
	j.Failed, j.Why = false, "aborted by ann"
	e.Journals = []Journaled{j}
	e.Starts[0].Verdict = aweigh.Stopped
	if r := Judge(of(Deployments), e); r.Good != 0 || r.Bad != 0 || r.Unseen != 1 {
		t.Errorf("aborted: %d good, %d bad, %d unknown", r.Good, r.Bad, r.Unseen)
	}
}

func TestADeploymentOfNothingNewIsJudgedByItsJournal(t *testing.T) {
	e := Evidence{Now: now, Journals: []Journaled{journal("D1", ago(day), "deployed")}}
	if r := Judge(of(Deployments), e); r.Good != 1 {
		t.Errorf("proven after 40 s: %d good, %d unknown", r.Good, r.Unseen)
	}
	e.Journals[0].Proven = e.Journals[0].Applied.Add(3 * time.Minute)
	if r := Judge(of(Deployments), e); r.Unseen != 1 {
		t.Errorf("proven after 3 min, which may be those of several services: %d good, %d bad, %d unknown", r.Good, r.Bad, r.Unseen)
	}
	e.Journals[0] = journal("D1", now.Add(-5*time.Minute), "")
	e.Journals[0].Proven = time.Time{}
	if r := Judge(of(Deployments), e); r.Good+r.Bad+r.Unseen != 0 {
		t.Errorf("it goes on, and is counted: %+v", r)
	}
}

func TestADeploymentThatNeverEndedDoesNotTakeInAllThatFollows(t *testing.T) {
	e := always()
	begin := ago(9 * day)
	e.Journals = []Journaled{journal("D1", begin, ""), journal("D2", begin.Add(30*time.Minute), "deployed")}
	e.Starts = []aweigh.Start{ready("A", "a", begin.Add(31*time.Minute), time.Second), ready("B", "b", ago(8*day), time.Second)}
	all := e.DeploymentsIn(Span{ago(30 * day), now})
	if len(all) != 3 || len(all[0].New) != 0 || len(all[1].New) != 1 || all[2].Journal != nil {
		t.Errorf("%+v", all)
	}
}

func TestAPromiseAboutAServiceSeesItsPartOfADeployment(t *testing.T) {
	e := always()
	begin := ago(5 * day)
	e.Journals = []Journaled{journal("D1", begin, "deployed")}
	late := ready("B", "b", begin.Add(11*time.Second), 80*time.Second)
	late.Service = "db"
	e.Starts = []aweigh.Start{ready("A", "a", begin.Add(11*time.Second), time.Second), late}
	for service, bad := range map[string]int{"webhook": 0, "db": 1, "nobody": 0} {
		o := of(Deployments)
		o.Services = []string{service}
		part := e.Only(func(_, of string) bool { return of == service })
		for _, r := range []Result{Judge(o, e), Judge(of(Deployments), part)} {
			if r.Bad != bad || service == "nobody" && r.Good != 0 {
				t.Errorf("%s: %d good, %d bad", service, r.Good, r.Bad)
			}
		}
	}
}

func TestADeploymentIsNoneOfAServiceThatItDidNotChange(t *testing.T) {
	e := always()
	begin := ago(5 * day)
	j := journal("D1", begin, "rolled-back")
	j.Failed, j.Changed = true, []Target{{"", "webhook"}}
	e.Journals = []Journaled{j}
	e.Starts = []aweigh.Start{crashed("A", begin.Add(20*time.Second))}
	for service, bad := range map[string]int{"webhook": 1, "db": 0} {
		o := of(Deployments)
		o.Services = []string{service}
		part := e.Only(func(_, of string) bool { return of == service })
		for _, r := range []Result{Judge(o, e), Judge(of(Deployments), part)} {
			if r.Bad != bad || r.Good+r.Unseen != 0 {
				t.Errorf("%s: %d good, %d bad, %d unknown", service, r.Good, r.Bad, r.Unseen)
			}
		}
	}
}

func TestAPersonHearsOfADeploymentWhenItHasEnded(t *testing.T) {
	begin := ago(5 * day)
	j := journal("D1", begin, "deployed")
	j.Decided, j.Last = begin.Add(15*time.Minute), begin.Add(15*time.Minute+time.Second) // it soaked
	told := func(at time.Time, by string) Telling {
		return Telling{at, aweigh.Notification{Occasion: aweigh.OnDeploying, At: at, Deployment: by, Services: []string{"webhook"}}}
	}
	for _, c := range []struct {
		what      string
		told      []Telling
		good, bad int
	}{
		{"of its end", []Telling{told(begin, "D1"), told(j.Decided.Add(time.Millisecond), "D1")}, 1, 0},
		{"of its beginning only", []Telling{told(begin, "D1")}, 0, 1},
		{"of another", []Telling{told(j.Last.Add(time.Second), "D2")}, 0, 1},
		{"late", []Telling{told(j.Last.Add(time.Second), "D1")}, 0, 1},
	} {
		e := always()
		e.Journals, e.Tellings = []Journaled{j}, c.told
		if c.what == "late" {
			e.Tellings[0].At = j.Last.Add(time.Hour)
		}
		if r := Judge(of(Told), e); r.Good != c.good || r.Bad != c.bad {
			t.Errorf("%s: %d good, %d bad: %+v", c.what, r.Good, r.Bad, r.Breaks)
		}
	}
	e := always()
	j.Outcome = ""
	e.Journals = []Journaled{j}
	if r := Judge(of(Told), e); r.Good+r.Bad != 0 {
		t.Errorf("it has not ended, and is counted: %+v", r)
	}
}
