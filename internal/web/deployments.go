package web

import (
	"net/http"
	"slices"

	"github.com/aweigh/aweigh/internal/deploy"
)

// deploymentsShown is how many deployments the page has.
const deploymentsShown = 30

// deployments are those that were made from this host, with their steps.
func (s *Site) deployments(w http.ResponseWriter, r *http.Request) error {
	all, err := deploy.List(s.Records)
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(d *deploy.Deployment) bool { return len(d.Entries) == 0 })
	if len(all) == 0 {
		return s.later("deployments")(w, r)
	}
	slices.SortFunc(all, func(a, b *deploy.Deployment) int { return b.Plan.Began.Compare(a.Plan.Began) })
	return s.render(w, r, page{Name: "deployments", Part: "deployments", Title: "Deployments", Data: all[:min(len(all), deploymentsShown)]})
}
