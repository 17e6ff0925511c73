package notify

import "github.com/aweigh/aweigh"

// Route is where notifications go, and which of them. Empty lists mean all.
type Route struct {
	Name string // unique; shown wherever the URL must not be, for it holds secrets
	// URL is smtp://…, smtps://…, webhook+http(s)://…, alertmanager+http(s)://…,
	// command:/path/to/program?arg=…, or one of shoutrrr's.
	URL        string
	Services   []string // names or patterns as of path.Match
	Kinds      []string // kinds of incidents, or patterns
	Severities []aweigh.Severity
	Occasions  []aweigh.Occasion
	// Escalation makes it a route for escalations: it hears of an incident only
	// from the moment when nobody has acknowledged it in time.
	Escalation bool
	// Drills makes it the route for what drills cause. Others never hear of it.
	Drills bool
	// Report is how often the report comes: "daily", "weekly", or "" for never.
	Report string
	// Quiet are hours in which only critical incidents are told; the rest comes
	// as one digest when they end.
	Quiet *QuietHours
}

// QuietHours are hours of each day, in a time zone.
type QuietHours struct {
	From, To string // "22:00", "07:00"
	Zone     string // IANA name; "" is the host's
}

// ReportTimes are what Route.Report may say.
func ReportTimes() []string { return []string{"daily", "weekly"} }
