package resolve

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/types"

	"github.com/aweigh/aweigh/internal/compose"
	"github.com/aweigh/aweigh/internal/deploy"
	"github.com/aweigh/aweigh/internal/docker"
	"github.com/aweigh/aweigh/internal/verify"
)

// patient is a service that the remedy of this name helps, "" for none.
type patient struct {
	helps string
	done  []string
	well  bool
	away  bool // there is no looking at it once it is well
}

func (p *patient) verify(context.Context, time.Duration) verify.Report {
	c := verify.Check{Service: "web", Name: "running", Result: verify.Passed}
	if !p.well {
		c.Result, c.Found = verify.Failed, "it does not run"
	}
	if p.well && p.away {
		c.Result, c.Found = verify.Unknown, "the container engine does not answer"
	}
	return verify.Report{Result: c.Result, Checks: []verify.Check{c}}
}

func (p *patient) remedy(name string) Remedy {
	return Remedy{Name: name, About: name, Do: func(context.Context) error {
		p.done = append(p.done, name)
		p.well = name == p.helps
		if name == "breaks" {
			return errors.New("it broke")
		}
		return nil
	}}
}

func (p *patient) resolve(t *testing.T, consent func(Remedy) bool) (Outcome, string) {
	t.Helper()
	state := t.TempDir()
	j, err := OpenJournal(state, "01JD", "web", "ann")
	if err != nil {
		t.Fatal(err)
	}
	unfit := Remedy{Name: "unfit", Unfit: "it does not apply"}
	outcome, err := Run(t.Context(), Config{Service: "web", Verify: p.verify, Journal: j, Consent: consent, Tell: func(string) {},
		Gather:   func(context.Context) Evidence { return Evidence{Output: "FATAL"} },
		Remedies: []Remedy{p.remedy("restart"), unfit, p.remedy("breaks"), p.remedy("rollback")}})
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(j.Dir, "journal.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	return outcome, string(text)
}

func all(Remedy) bool { return true }

func TestMildestRemedyThatHelpsIsTheLast(t *testing.T) {
	p := &patient{helps: "restart"}
	if outcome, _ := p.resolve(t, all); outcome != Resolved || !slices.Equal(p.done, []string{"restart"}) {
		t.Errorf("%s after %v", outcome, p.done)
	}
}

// The engine went away behind a restart: nothing had failed, and the service was called
// proven.
func TestARemedyAfterWhichNobodyCanLookHasNotHelped(t *testing.T) {
	p := &patient{helps: "restart", away: true}
	if outcome, _ := p.resolve(t, all); outcome != Unresolved {
		t.Errorf("%s after %v", outcome, p.done)
	}
}

func TestNextRemedyIsTriedAfterOneThatFails(t *testing.T) {
	p := &patient{helps: "rollback"}
	outcome, journal := p.resolve(t, all)
	if outcome != Resolved || !slices.Equal(p.done, []string{"restart", "breaks", "rollback"}) {
		t.Errorf("%s after %v", outcome, p.done)
	}
	for _, want := range []string{`"no-help","remedy":"restart"`, `"detail":"it broke"`, `"helped","remedy":"rollback"`, `"outcome":"resolved"`} {
		if !strings.Contains(journal, want) {
			t.Errorf("%s is not recorded in\n%s", want, journal)
		}
	}
}

func TestNothingIsDoneWithoutConsentOrNeed(t *testing.T) {
	p := &patient{}
	if outcome, _ := p.resolve(t, func(Remedy) bool { return false }); outcome != Declined || p.done != nil {
		t.Errorf("%s after %v", outcome, p.done)
	}
	p = &patient{well: true}
	if outcome, _ := p.resolve(t, all); outcome != Well || p.done != nil {
		t.Errorf("%s after %v", outcome, p.done)
	}
	if outcome, _ := (&patient{}).resolve(t, all); outcome != Unresolved {
		t.Errorf("nothing helps: %s", outcome)
	}
}

// Staging and production are the same project on two engines. The rollback of production
// made containers of staging's, with its environment.
func TestRollbackIsThatOfTheSameEngine(t *testing.T) {
	state := t.TempDir()
	d, err := deploy.Begin(state, deploy.Plan{ID: "01JDQ4X0000000000000000000", Stages: []deploy.Stage{
		{Name: "staging", Project: "shop", EngineID: "A"}, {Name: "production", Project: "shop", EngineID: "B"}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, stage := range []string{"staging", "production"} {
		text := `{"Containers": [{"Service": "web", "Image": "web:` + stage + `", "ImageID": "sha256:` + stage + `"}]}`
		if err := errors.Join(os.Mkdir(filepath.Join(d.Dir, stage), 0o700), os.WriteFile(filepath.Join(d.Dir, stage, "before.json"), []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	f, err := os.OpenFile(filepath.Join(d.Dir, "journal.jsonl"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString(`{"event":"ended","outcome":"deployed"}` + "\n")
	f.Close()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Api-Version", "1.41")
		if strings.HasSuffix(r.URL.Path, "/containers/json") {
			io.WriteString(w, "[]")
			return
		}
		io.WriteString(w, `{"Id": "sha256:x"}`)
	}))
	defer s.Close()
	engine, err := docker.Open("tcp://" + s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	p := &Place{Engine: engine, Project: &compose.Project{Project: &types.Project{Name: "shop"}}, Stage: deploy.Stage{Project: "shop", EngineID: "B"}, Service: "web", State: state}
	if r := p.rollback(t.Context()); r.Unfit != "" || !strings.HasSuffix(r.About, "web:production") {
		t.Errorf("%+v", r)
	}
}
