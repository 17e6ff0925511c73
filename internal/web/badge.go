package web

import (
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/aweigh/aweigh/internal/status"
)

// badge is a service's state as a picture for a README: /badge/SERVICE.svg, with
// ?project=P where two projects have one of this name.
func (s *Site) badge(w http.ResponseWriter, r *http.Request) error {
	name, ok := strings.CutSuffix(r.PathValue("file"), ".svg")
	if !ok {
		return errNoPage
	}
	if !s.Guard.MaySeeStatus(r) {
		return s.refuseStatus(w, r)
	}
	now, err := s.states.get(restOfPublic, func() (status.Report, error) { return status.Read(r.Context(), s.Store) })
	if err != nil {
		return err
	}
	state, tone := "not known", "off"
	for _, one := range now.Services {
		if project := r.URL.Query().Get("project"); one.Service == name && (project == "" || project == one.Project) {
			state, tone = one.State, toneOf(one.State)
			break
		}
	}
	if now.Away() > 0 {
		state, tone = "not watched", "off"
	}
	h := w.Header()
	h.Set("Content-Type", "image/svg+xml")
	h.Set("Cache-Control", "no-cache, max-age=0")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin") // it is made for other sites
	_, err = w.Write([]byte(drawBadge(name, state, badgeColours[tone])))
	return err
}

// badgeColours are dark enough for white letters (4.5:1).
var badgeColours = map[string]string{"ok": "#1a7f37", "warn": "#9a6700", "bad": "#b42318", "busy": "#0550ae", "off": "#57606a"}

// drawBadge needs no font of the viewer's to be known: the texts are told how
// long they are.
func drawBadge(name, state, colour string) string {
	const letter, pad, height = 7, 8, 20
	left, right := letter*utf8.RuneCountInString(name)+2*pad, letter*utf8.RuneCountInString(state)+2*pad
	label := template.HTMLEscapeString(name)
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" width="%[1]d" height="%[2]d" role="img" aria-label="%[3]s: %[4]s"><title>%[3]s: %[4]s</title><rect width="%[1]d" height="%[2]d" rx="3" fill="#24292f"/><path fill="%[5]s" d="M%[6]d 0H%[7]da3 3 0 0 1 3 3V17a3 3 0 0 1-3 3H%[6]dz"/><g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11"><text x="%[8]d" y="14" textLength="%[9]d">%[3]s</text><text x="%[10]d" y="14" textLength="%[11]d">%[4]s</text></g></svg>`,
		left+right, height, label, template.HTMLEscapeString(state), colour, left, left+right-3, pad, left-2*pad, left+pad, right-2*pad)
}
