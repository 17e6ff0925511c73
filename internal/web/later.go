package web

import "net/http"

// lesson is what a page says that has nothing to show yet.
type lesson struct {
	Title, What, How, Command string
}

var lessons = map[string]lesson{
	"deployments": {"Deployments", "A deployment is preflight, stage, soak, promote and verify, and roll back when that fails. Each one that this watcher knows of will be here, with its steps.",
		"None was made from this host. Try, beside a compose file:", "aweigh deploy --dry-run"},
	"drills": {"Drills", "A drill injects a failure on purpose, into a copy of a service, and says whether it was detected, told and diagnosed in time.",
		"None was run here in the last year. Try:", "aweigh drill SERVICE"},
	"objectives": {"Objectives", "An objective is a promise over a window, such as no unexpected restart in 30 days, with how much of it is left.",
		"None is in force: aweigh.yaml has turned them all off.", ""},
}

// later is the page of something that nothing is known of.
func (s *Site) later(part string) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		return s.render(w, r, page{Name: "later", Part: part, Title: lessons[part].Title, Data: lessons[part]})
	}
}
