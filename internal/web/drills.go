package web

import (
	"net/http"
	"slices"
	"time"

	"github.com/aweigh/aweigh/internal/drill"
)

// drillsShown is how many runs of drills the page has.
const drillsShown = 30

// drills are the scorecards of the drills that were run here.
func (s *Site) drills(w http.ResponseWriter, r *http.Request) error {
	all, err := drill.History(s.Records, time.Now().AddDate(-1, 0, 0))
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return s.later("drills")(w, r)
	}
	slices.Reverse(all)
	return s.render(w, r, page{Name: "drills", Part: "drills", Title: "Drills", Data: all[:min(len(all), drillsShown)]})
}
