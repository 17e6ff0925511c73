package aweigh

import "time"

// Occasion is why a notification is sent.
type Occasion string

const (
	OnOpened    Occasion = "opened"    // an incident was opened
	OnRaised    Occasion = "raised"    // it grew worse: another kind, a higher severity
	OnReminder  Occasion = "reminder"  // it is still open, and nobody has acknowledged it
	OnEscalated Occasion = "escalated" // nobody has acknowledged it in time: others are told
	OnResolved  Occasion = "resolved"  // it is over
	OnReady     Occasion = "ready"     // success: starts were proven
	OnWatching  Occasion = "watching"  // the watcher began to watch, or had been away
	OnTest      Occasion = "test"      // `aweigh notify test`
	OnReport    Occasion = "report"    // the daily or weekly report
	OnDeploying Occasion = "deploying" // a deployment began, or has ended
)

// Notification is one message about an incident or a success. It is kept in
// the outbox until each of its routes has taken it.
type Notification struct {
	ID       string    `json:"id"`
	Occasion Occasion  `json:"occasion"`
	At       time.Time `json:"at"`
	Host     string    `json:"host"`
	// Title is the first line: what is broken, since when, the likely cause.
	Title string `json:"title"`
	// Incident is the incident as it was then; nil for a success.
	Incident *Incident `json:"incident,omitempty"`
	// Deployment is the deployment whose beginning or end it tells.
	Deployment string `json:"deployment,omitempty"`
	// Start is the start that it is about, the newest if there are several.
	Start *Start `json:"start,omitempty"`
	// Services are those that a success is about.
	Services []string `json:"services,omitempty"`
	// Facts are lines of evidence besides the output: exit, starts so far.
	Facts []string `json:"facts,omitempty"`
	// Advice says what to do.
	Advice string `json:"advice,omitempty"`
	// Command looks further: "aweigh show 01JD…".
	Command string `json:"command,omitempty"`
	// Page is a message that is written already: a report. The rest is for those
	// who cannot show it.
	Page *Page `json:"page,omitempty"`
}

// Page is a mail's content, made for mail programs: nothing in it is fetched.
type Page struct {
	Text     string    `json:"text"`
	HTML     string    `json:"html"`
	Pictures []Picture `json:"pictures,omitempty"`
}

// Picture is an image of a page, which shows it as <img src="cid:ID">.
type Picture struct {
	ID  string `json:"id"`
	PNG []byte `json:"png"`
}

// Thread names what belongs together: the incident, else the message itself.
func (n *Notification) Thread() string {
	if n.Incident != nil {
		return n.Incident.ID
	}
	return n.ID
}

// Severity is the incident's, Info for what is about none.
func (n *Notification) Severity() Severity {
	if n.Incident != nil {
		return n.Incident.Severity
	}
	return Info
}
