package notify

import (
	"path"
	"slices"

	"github.com/aweigh/aweigh"
)

// Matches reports whether n takes route r. Each list that is empty means all;
// of those that are not, each must agree. Quiet hours do not matter here: what
// comes in them is held back by the Deliverer, not dropped.
//
// A report is for the routes that ask for it, and none of their lists matters.
//
// A route for drills hears of what drills cause and of nothing else, one for
// escalations of incidents that have been escalated, until they are resolved.
// A test is for every route.
func Matches(r Route, n *aweigh.Notification) bool {
	if n.Occasion == aweigh.OnTest {
		return true
	}
	if n.Occasion == aweigh.OnReport {
		return r.Report != ""
	}
	drill := n.Incident != nil && n.Incident.Drill != ""
	if r.Drills != drill {
		return false
	}
	if r.Escalation && !escalated(n) {
		return false
	}
	if len(r.Severities) > 0 && !slices.Contains(r.Severities, n.Severity()) {
		return false
	}
	if len(r.Occasions) > 0 && !slices.Contains(r.Occasions, n.Occasion) {
		return false
	}
	if len(r.Kinds) > 0 && (n.Incident == nil || !matchesAny(r.Kinds, string(n.Incident.Kind))) {
		return false
	}
	return len(r.Services) == 0 || slices.ContainsFunc(services(n), func(s string) bool { return matchesAny(r.Services, s) })
}

func escalated(n *aweigh.Notification) bool {
	return n.Occasion == aweigh.OnEscalated || n.Incident != nil && n.Incident.Escalated != nil
}

// matchesAny takes a pattern that is none for one that matches nothing: Parse
// has refused it before.
func matchesAny(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		ok, err := path.Match(p, name)
		return ok && err == nil
	})
}
