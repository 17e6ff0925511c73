package web

import (
	"strings"
	"testing"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/access"
	"github.com/aweigh/aweigh/internal/core"
	"github.com/aweigh/aweigh/internal/store"
)

// of is a container of a service of a project.
func of(project, service, id string) *aweigh.Container {
	c := container(service)
	c.Project, c.ID, c.Image = project, strings.Repeat(id, 64), project+"-"+service+":1"
	return c
}

// A container without a project and the service of a compose project may have one
// name: the page of the former listed the starts and images of both.
func TestAServiceWithoutAProjectHasItsOwnStarts(t *testing.T) {
	w := newWorld(t, access.Rules{Open: true})
	alone, shop := of("", "web", "a"), of("shop", "web", "b")
	for _, c := range []*aweigh.Container{alone, shop} {
		w.fold(aweigh.Fact{Kind: aweigh.FactStarted, Instance: c.ID, Container: c}, aweigh.Fact{Kind: aweigh.FactAnswered, Instance: c.ID, OK: true})
	}
	all, err := w.store.Starts(t.Context(), store.StartQuery{Service: "web"})
	if err != nil || len(all) != 2 || all[0].Project != "shop" {
		t.Fatalf("%+v %v", all, err)
	}
	body := w.says("/services/web", "/starts/"+all[1].ID)
	if strings.Contains(body, all[0].ID) || strings.Contains(body, "shop-web:1") {
		t.Error("the page of the service without a project has a start of the project's")
	}
	w.says("/services/web?project=shop", "/starts/"+all[0].ID)
}

// The incidents of a page were ten of the name, of which the other projects' were
// then taken out: a noisy one left none.
func TestAServiceHasItsIncidentsBesideANoisyNamesake(t *testing.T) {
	w := newWorld(t, access.Rules{Open: true})
	var all []aweigh.Incident
	at := time.Now().Add(-time.Hour).UTC()
	for n := range 12 {
		project := "noisy"
		if n == 0 {
			project = "shop"
		}
		at = at.Add(time.Minute)
		all = append(all, aweigh.Incident{ID: aweigh.NewID(at), Kind: aweigh.CrashLoop, Service: "web", Project: project, Opened: at, Last: at, Severity: aweigh.Critical, Count: 1})
	}
	if err := w.store.Commit(t.Context(), store.Batch{Changes: []core.Changes{{Incidents: all}}}); err != nil {
		t.Fatal(err)
	}
	c := of("shop", "web", "b")
	w.fold(aweigh.Fact{Kind: aweigh.FactStarted, Instance: c.ID, Container: c})
	body := w.says("/services/web?project=shop", "/incidents/"+all[0].ID)
	if strings.Contains(body, all[1].ID) {
		t.Error("it has one of another project")
	}
}

// The incidents of a start were looked for among the newest hundred of its service.
func TestAnOldStartIsStillPartOfItsIncident(t *testing.T) {
	w := newWorld(t, access.Rules{Open: true})
	w.crash("web")
	w.crash("web")
	first, start := w.incident("web"), w.newest("web")
	var all []aweigh.Incident
	for n := range 101 {
		at := w.now.Add(time.Duration(n+1) * time.Second)
		all = append(all, aweigh.Incident{ID: aweigh.NewID(at), Kind: aweigh.CrashLoop, Service: "web", Project: "shop", Opened: at, Last: at, Count: 1})
	}
	if err := w.store.Commit(t.Context(), store.Batch{Changes: []core.Changes{{Incidents: all}}}); err != nil {
		t.Fatal(err)
	}
	w.says("/starts/"+start.ID, "Part of the incident", first.ID)
}

// The watcher's own gaps, and signals of what runs elsewhere, are incidents of
// services without a start: the link above them led to nothing.
func TestTheLinkOfAnIncidentLeadsToItsService(t *testing.T) {
	w := newWorld(t, access.Rules{Open: true})
	w.fold(aweigh.Fact{Kind: aweigh.FactWatching, Since: w.now.Add(-2 * time.Hour)})
	n := w.incident("")
	w.says("/incidents/"+n.ID, `href="/services/aweigh%20watch"`)
	w.says("/services/aweigh%20watch", "/incidents/"+n.ID)
}
