// Package signals asks the business side for numbers, and judges them: how
// many trades could be linked, how many orders wait, when the last mail left.
// A service can be up, ready and healthy and still do nothing; a signal tells.
//
// A Signal is a query that yields named numbers, a rule over them, and what it
// means when there are none. Compile checks it without connecting to anything,
// Evaluate asks once, Run asks every so often:
//
//	c, err := signals.Compile(signals.Signal{
//		Name:    "linkage",
//		Service: "webhook",
//		Source:  "sqlite:///data/webhook.db",
//		Query: `SELECT count(*) AS total, 100.0 * count(s.order_id) / count(*) AS linkage
//			FROM trades t LEFT JOIN strategies s USING (order_id)
//			WHERE t.received >= :since_unix_ms`,
//		Rule:   "linkage == 0 && total > 5", // true is bad
//		Window: 6 * time.Hour,
//	})
//	fmt.Println(c.Evaluate(ctx, time.Now()).Why)
//	// linkage is 0, total is 27 (rule: linkage == 0 && total > 5)
//
// A Reading is what one query said. How long a rule must hold before somebody
// is told (Signal.Hold) is for the fold of facts to decide, not for this
// package, which remembers nothing between two readings.
//
// Sources are SQLite, PostgreSQL, MySQL, Prometheus and JSON over HTTP: one
// file each, and a line in the table sources.
package signals

import (
	"time"

	"github.com/aweigh/aweigh"
)

// Signal is a number from the business side with its rule, as a user writes
// it. Secrets in it (the password of Source, the values of Headers) are there
// in plain: the caller has read them from their file or environment. No error
// and no reading shows them.
type Signal struct {
	Name    string // unique, for the incident "signal:NAME": letters, digits, '.', - and _
	Service string // whose trouble it is
	// Source is where to ask: sqlite:PATH, postgres://…, mysql://…,
	// prometheus+http(s)://HOST[?label=NAME], http(s)://….
	Source string
	// Headers are sent to sources that speak HTTP: "Authorization": "Bearer …".
	Headers map[string]string
	// Dir is what a relative path of SQLite is relative to; "" is the working
	// directory.
	Dir string
	// Query is SQL, or PromQL, or which fields of a JSON document to read.
	Query string
	// Rule is true when things are bad: "linkage == 0 && total > 5". Its names
	// are those of the query's numbers.
	Rule string
	// Every is the time between two queries: 1m unless set, at least 1s.
	Every time.Duration
	// Window is how far back a query looks, through :since and its like: 1h
	// unless set, at least 1s.
	Window time.Duration
	// Hold is how long the rule must be true before it is told: 0 is at once.
	Hold time.Duration
	// Timeout is how long one query may take: 10s unless set, or Every if that
	// is less.
	Timeout time.Duration
	// Missing is what it means that there is no number: MissingIgnore unless set.
	Missing MissingPolicy
	// Severity of the incident: critical unless set.
	Severity aweigh.Severity
}

// MissingPolicy is what it means that a query has no number for the rule: no
// row, NULL, NaN.
type MissingPolicy string

const (
	MissingIgnore MissingPolicy = "ignore" // nothing: the reading is Missing, and what was believed before stays
	MissingOK     MissingPolicy = "ok"     // no news is good news: no trades at night
	MissingAlert  MissingPolicy = "alert"  // the number must be there: a heartbeat
)

// State is what one reading says.
type State string

const (
	OK       State = "ok"       // the rule was evaluated, and is false
	Breached State = "breached" // the rule was evaluated, and is true
	Missing  State = "missing"  // there was no number to evaluate it with
	Broken   State = "broken"   // the query failed, so that nothing is known
)

// Reading is what one query said.
type Reading struct {
	Name string    `json:"name"`
	At   time.Time `json:"at"` // UTC; the end of the window
	// Values are the numbers of the answer, all of them finite.
	Values map[string]float64 `json:"values,omitempty"`
	State  State              `json:"state"`
	// Why says it in one line with the numbers: "linkage is 0, total is 27
	// (rule: linkage == 0 && total > 5)".
	Why string `json:"why"`
}

const (
	defaultEvery   = time.Minute
	defaultWindow  = time.Hour
	defaultTimeout = 10 * time.Second
)
