package web

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/status"
)

type overviewPage struct {
	status.Report
	Rows    []overviewRow
	Summary string
	Windows []aweigh.Maintenance
	More    int // incidents that are open, besides those listed
}

// incidentsOnTop is how many incidents the first page lists.
const incidentsOnTop = 20

type overviewRow struct {
	status.Service
	Bars  bars
	Quiet bool // in maintenance
}

// overview is the first page: what is open, then each service.
func (s *Site) overview(w http.ResponseWriter, r *http.Request) error {
	now, err := status.Read(r.Context(), s.Store)
	if err != nil {
		return err
	}
	data := overviewPage{Report: now, Summary: summary(now.Services)}
	if data.More = len(data.Incidents) - incidentsOnTop; data.More > 0 {
		data.Incidents = data.Incidents[:incidentsOnTop]
	}
	if data.Windows, err = status.Windows(r.Context(), s.Store); err != nil {
		return err
	}
	for _, one := range now.Services {
		row := overviewRow{Service: one, Quiet: status.InMaintenance(data.Windows, one.Service)}
		if row.Bars, err = s.rows.of(one.Project, one.Service, one.Last, func() (bars, error) {
			return s.barsOf(r.Context(), one.Project, one.Service, barsOfRow)
		}); err != nil {
			return err
		}
		data.Rows = append(data.Rows, row)
	}
	return s.render(w, r, page{Name: "overview", Part: "services", Title: "Services", Data: data})
}

// summary counts the states: "200 services: 198 ready, 2 crashed".
func summary(services []status.Service) string {
	count := map[string]int{}
	var states []string
	for _, one := range services {
		if count[one.State]++; count[one.State] == 1 {
			states = append(states, one.State)
		}
	}
	slices.SortFunc(states, func(a, b string) int {
		if d := count[b] - count[a]; d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	for i, state := range states {
		states[i] = fmt.Sprintf("%d %s", count[state], state)
	}
	word := "services"
	if len(services) == 1 {
		word = "service"
	}
	return fmt.Sprintf("%d %s: %s", len(services), word, strings.Join(states, ", "))
}
