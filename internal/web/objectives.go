package web

import (
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

// objectives are the promises and how they stand, as `aweigh report` judges them.
func (s *Site) objectives(w http.ResponseWriter, r *http.Request) error {
	all, err := report.Judge(r.Context(), s.source(), s.Settings.Objectives(), time.Now().UTC())
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return s.later("objectives")(w, r)
	}
	rows := make([]objectiveRow, len(all))
	for i, one := range all {
		rows[i].Result = one
		for n, word := range one.Parts {
			rows[i].Parts = append(rows[i].Parts, part{partTones[word], 6 * n})
		}
	}
	return s.render(w, r, page{Name: "objectives", Part: "objectives", Title: "Objectives", Data: rows})
}
