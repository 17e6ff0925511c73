package report

import (
	"cmp"
	"slices"
	"strings"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/objective"
)

// startsIn are the starts that began in a window, oldest first.
func startsIn(all []aweigh.Start, window objective.Span) []aweigh.Start {
	var in []aweigh.Start
	for _, s := range all {
		if window.Contains(s.Began) {
			in = append(in, s)
		}
	}
	slices.SortFunc(in, func(a, b aweigh.Start) int { return cmp.Or(a.Began.Compare(b.Began), cmp.Compare(a.ID, b.ID)) })
	return in
}

// name tells services of two projects apart.
type name struct{ project, service string }

func nameOf(s aweigh.Start) name { return name{s.Project, s.Service} }

// services are those of which a start or its end, or an incident, is in the
// window, by name.
func services(e objective.Evidence, window objective.Span) []Service {
	ever := map[name][]aweigh.Start{} // those from before say which image was before
	for _, s := range startsIn(e.Starts, objective.Span{To: window.To}) {
		ever[nameOf(s)] = append(ever[nameOf(s)], s)
	}
	all := []Service{}
	for of, starts := range ever {
		v := Service{Service: of.service, Project: of.project, Verdicts: map[aweigh.Verdict]int{}}
		in := startsIn(starts, window)
		for _, s := range in {
			v.Starts++
			if s.Verdict != "" {
				v.Verdicts[s.Verdict]++
			}
		}
		for _, s := range starts {
			if at, ended := objective.Unasked(s); ended && window.Contains(at) {
				v.Restarts++
			}
		}
		for _, n := range e.Incidents {
			if n.Service == of.service && n.Project == of.project && window.Contains(n.Opened) {
				v.Incidents++
			}
		}
		if v.Starts+v.Restarts+v.Incidents == 0 {
			continue
		}
		v.Ready = timing(in)
		v.Images = images(starts, window)
		newest := starts[len(starts)-1]
		if n := slices.IndexFunc(v.Images, func(i Image) bool { return i.Image == newest.Image && i.ID == newest.ImageID }); n >= 0 {
			v.now = &v.Images[n]
		}
		all = append(all, v)
	}
	slices.SortFunc(all, func(a, b Service) int {
		return cmp.Or(strings.Compare(a.Project, b.Project), strings.Compare(a.Service, b.Service))
	})
	return all
}

// images are those that were started in the window, each with the one before,
// which may be older. starts are of one service, oldest first.
func images(starts []aweigh.Start, window objective.Span) []Image {
	type key struct{ name, id string }
	var order []key
	of := map[key][]aweigh.Start{}
	for _, s := range starts {
		k := key{s.Image, s.ImageID}
		if of[k] == nil {
			order = append(order, k)
		}
		of[k] = append(of[k], s)
	}
	all := []Image{}
	for n, k := range order {
		if k == (key{}) || len(startsIn(of[k], window)) == 0 {
			continue
		}
		i := Image{Image: k.name, ID: k.id, First: of[k][0].Began, Ready: timing(of[k])}
		if n > 0 {
			before := timing(of[order[n-1]])
			i.Against, i.Slower = ratio(i.Ready, before), slower(i.Ready, before)
		}
		all = append(all, i)
	}
	return all
}
