package web

import (
	"net/http"
	"slices"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/config"
	"github.com/aweigh/aweigh/internal/core"
	"github.com/aweigh/aweigh/internal/status"
	"github.com/aweigh/aweigh/internal/store"
)

// startsOfPage is how many starts a page lists.
const startsOfPage = 50

type servicePage struct {
	Project, Name string
	State         string // "" for one that is gone
	Instances     []core.Instance
	Bars          bars
	Starts        []aweigh.Start
	Older         string // the id that the next page begins before; "" for none
	Paged         bool   // not the first page
	Failed        string // "1": only those that failed
	Images        []imageRow
	Incidents     []aweigh.Incident
	Promises      promises
	InForce       config.Effective
	File          string
}

// imageRow is an image, and the newest start that it was seen in.
type imageRow struct {
	Image  string
	Starts int
	Newest aweigh.Start
}

// service is the page of one service: its starts over time, its incidents, its
// promises and deployments, what is in force for it.
func (s *Site) service(w http.ResponseWriter, r *http.Request) error {
	ctx, q := r.Context(), r.URL.Query()
	data := servicePage{Name: r.PathValue("name"), Project: q.Get("project"), Paged: q.Get("before") != "", Failed: q.Get("failed")}
	all, err := status.Instances(ctx, s.Store)
	if err != nil {
		return err
	}
	if !q.Has("project") {
		data.Project = projectOf(all, data.Name)
	}
	labels := map[string]string{}
	for _, i := range all {
		if i.Container.Service == data.Name && i.Container.Project == data.Project {
			data.Instances = append(data.Instances, i)
		}
	}
	slices.SortFunc(data.Instances, func(a, b core.Instance) int { return b.Life.Start.Began.Compare(a.Life.Start.Began) })
	if len(data.Instances) > 0 {
		data.State = status.StateOf(&data.Instances[0])
		labels = data.Instances[0].Container.Labels
	}
	if data.Bars, err = s.barsOf(ctx, data.Project, data.Name, barsOfPage); err != nil {
		return err
	}
	data.Starts, err = s.Store.Starts(ctx, store.StartQuery{Service: data.Name, Project: data.Project, Exactly: true, Before: q.Get("before"), Failed: data.Failed != "", Limit: startsOfPage + 1})
	if err != nil {
		return err
	}
	if len(data.Starts) > startsOfPage {
		data.Starts = data.Starts[:startsOfPage]
		data.Older = data.Starts[startsOfPage-1].ID
	}
	data.Images = imagesOf(data.Starts)
	if data.Incidents, err = s.Store.Incidents(ctx, store.IncidentQuery{Service: data.Name, Project: data.Project, Exactly: true, Limit: 10}); err != nil {
		return err
	}
	if len(data.Instances)+data.Bars.Len()+len(data.Incidents) == 0 {
		return errNoPage
	}
	if !data.Paged {
		var last *aweigh.Start
		if len(data.Instances) > 0 {
			last = &data.Instances[0].Life.Start
		}
		data.Promises, err = s.kept.of(data.Project, data.Name, last, func() (promises, error) { return s.promisesOf(ctx, data.Project, data.Name) })
		if err != nil {
			return err
		}
	}
	data.InForce, data.File = s.Settings.Explain(data.Name, labels), s.Settings.File
	return s.render(w, r, page{Name: "service", Part: "services", Title: data.Name, Data: data})
}

// projectOf is the project of a service, for those who type its name alone: ""
// if there is one without.
func projectOf(all []core.Instance, service string) string {
	project := ""
	for _, i := range all {
		switch {
		case i.Container.Service != service:
		case i.Container.Project == "":
			return ""
		case project == "" || i.Container.Project < project:
			project = i.Container.Project
		}
	}
	return project
}

// imagesOf are the images of starts, the newest first.
func imagesOf(starts []aweigh.Start) []imageRow {
	var rows []imageRow
	for _, one := range starts {
		at := slices.IndexFunc(rows, func(r imageRow) bool { return r.Image == one.Image })
		switch {
		case one.Image == "":
		case at < 0:
			rows = append(rows, imageRow{one.Image, 1, one})
		default:
			rows[at].Starts++
		}
	}
	return rows
}
