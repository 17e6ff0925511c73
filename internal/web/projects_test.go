package web

import (
	"strings"
	"testing"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/access"
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
