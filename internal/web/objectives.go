package web

import (
	"fmt"
	"net/http"
	"time"

	"github.com/aweigh/aweigh/internal/objective"
	"github.com/aweigh/aweigh/internal/report"
)

type objectiveRow struct {
	objective.Result
	Parts []part
}

// part is one of a window's thirty parts, and where it is drawn.
type part struct {
	Tone string
	X    int
}

// partTones are the classes of the words of a part.
var partTones = map[string]string{"good": "ok", "bad": "bad", "unknown": "none"}

// quick is what need not be kept: it is worked out anew for each page. What takes
// longer, since it reads months of starts, is kept for twenty times as long.
const quick = 250 * time.Millisecond

func restOfObjectives(took time.Duration) time.Duration {
	if took > quick {
		return 20 * took
	}
	return 0
}

// objectives are the promises and how they stand, as `aweigh report` judges them.
func (s *Site) objectives(w http.ResponseWriter, r *http.Request) error {
	all, err := s.judged.get(restOfObjectives, func() ([]objective.Result, error) {
		return report.Judge(r.Context(), s.source(), s.Settings.Objectives(), time.Now().UTC())
	})
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return s.later("objectives")(w, r)
	}
	rows := make([]objectiveRow, len(all))
	for i, one := range all {
		rows[i] = rowOfObjective(one)
	}
	return s.render(w, r, page{Name: "objectives", Part: "objectives", Title: "Objectives", Data: rows})
}

// Words say how it stands, besides its state.
func (r objectiveRow) Words() (all []string) {
	if r.Attainment != nil {
		all = append(all, fmt.Sprintf("kept for %s of the %s seen", report.Share(*r.Attainment), r.Unit))
	}
	if r.Left != nil {
		all = append(all, report.Share(*r.Left)+" of the budget left")
	}
	if r.Before != nil {
		all = append(all, report.Share(*r.Before)+" in the window before")
	}
	if r.Known < 1 {
		all = append(all, report.Share(r.Known)+" of the time was watched")
	}
	return all
}

// Newest is the break that came last; nil for none.
func (r objectiveRow) Newest() *objective.Break {
	if len(r.Breaks) == 0 {
		return nil
	}
	return &r.Breaks[0]
}

// Others says how many breaks came before it, "" for none.
func (r objectiveRow) Others() string {
	switch n := len(r.Breaks) - 1; {
	case n < 1:
		return ""
	case n == objective.MaxBreaks-1:
		return fmt.Sprintf("and %d or more before", n)
	default:
		return fmt.Sprintf("and %d before", n)
	}
}

func rowOfObjective(r objective.Result) objectiveRow {
	row := objectiveRow{Result: r}
	for n, word := range r.Parts {
		row.Parts = append(row.Parts, part{partTones[word], 6 * n})
	}
	return row
}
