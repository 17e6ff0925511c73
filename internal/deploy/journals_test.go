package deploy

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/aweigh/aweigh/internal/objective"
)

// theJournal is what an objective hears of the only deployment there is.
func theJournal(t *testing.T, d *Deployment) []objective.Journaled {
	t.Helper()
	all, err := Journals(filepath.Dir(filepath.Dir(d.Dir)))()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestObjectivesHearOfADeploymentOnceItTouchesSomething(t *testing.T) {
	d := begun(t)
	d.Plan.Stages[0].Services, d.Plan.Stages[1].Services = []string{"web"}, []string{"web", "db"}
	if err := d.note(Entry{Event: Planned, Plan: &d.Plan}); err != nil {
		t.Fatal(err)
	}
	goes(t, d, 2)
	if all := theJournal(t, d); len(all) != 0 {
		t.Errorf("after the preflight: %+v", all)
	}
	goes(t, d, 1)
	all := theJournal(t, d)
	if len(all) != 1 || all[0].Outcome != "" || all[0].Applied.IsZero() || !all[0].Proven.IsZero() || all[0].Failed || len(all[0].Targets) != 3 {
		t.Fatalf("after apply: %+v", all)
	}
	goes(t, d, 99, "production verify")
	if err := d.note(Entry{Event: Ended, Outcome: RolledBack}); err != nil {
		t.Fatal(err)
	}
	j := theJournal(t, d)[0]
	if !j.Failed || j.Outcome != "rolled-back" || j.Why != "verify of production: no" || !j.Proven.IsZero() || j.Last.Before(j.Applied) {
		t.Errorf("at the end: %+v", j)
	}
}

func TestObjectivesHearWhichServicesWereMadeAnew(t *testing.T) {
	d := begun(t)
	goes(t, d, 2)
	for _, e := range []Entry{{Event: Begun, Stage: "staging", Step: "apply"}, {Event: Done, Stage: "staging", Step: "apply", Detail: "new: db, web"}} {
		if err := d.note(e); err != nil {
			t.Fatal(err)
		}
	}
	if got := theJournal(t, d)[0].Changed; !slices.Equal(got, []objective.Target{{Project: "a", Service: "db"}, {Project: "a", Service: "web"}}) {
		t.Errorf("%+v", got)
	}
	if err := d.note(Entry{Event: Begun, Stage: "production", Step: "apply"}); err != nil {
		t.Fatal(err)
	}
	if got := theJournal(t, d)[0].Changed; len(got) != 0 {
		t.Errorf("while production is under way: %+v", got)
	}
}

func TestAnAbortedDeploymentHasNotFailed(t *testing.T) {
	d := begun(t)
	goes(t, d, 3)
	if err := d.Abort("ann"); err != nil {
		t.Fatal(err)
	}
	goes(t, d, 99)
	if j := theJournal(t, d)[0]; j.Failed || j.Why != "aborted by ann" {
		t.Errorf("%+v", j)
	}
}
