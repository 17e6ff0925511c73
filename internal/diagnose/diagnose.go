// Package diagnose says why a service did not start: evidence in, ranked causes
// out. It does no I/O, reads no clock, and never panics, for all that it reads
// was written by programs that failed.
//
//	causes := diagnose.Diagnose(diagnose.Evidence{Output: log, Inspect: inspect, ExpectedPort: 8080})
//	fmt.Println(causes[0].ID, causes[0].Fix) // port-in-use stop the other process, or …
//
// The vocabulary of causes is the table Catalogue. Rules rest on what is the same
// everywhere: errno names and texts, signals, SQLSTATE, the conventions of the
// languages' runtimes, tables of listeners, the container's settings; never on
// the words of one program alone.
//
// It uses the standard library only, and no regular expressions: aweigh-init
// links it too.
package diagnose

// Evidence is all that is known of one start. Every field may be missing.
type Evidence struct {
	Output       []byte   // what the service printed; of a long one, the beginning and the end are read
	Daemon       []byte   // what the engine or its client said when it could not create or start the container
	Inspect      *Inspect // the engine's inspection
	Runtime      *Runtime // what was seen of it while it ran
	ExitCode     *int     // of the main process; nil when it runs or nobody knows (Inspect may)
	ExpectedPort int      // the port that must be served; 0 when unknown: then the only one that Inspect publishes
	Changed      []string // what differs from the last good start, a sentence each
}

// Line is one line of evidence, with its control characters removed and its
// secrets masked.
type Line struct {
	Source string `json:"source"`         // output.log, daemon.log, inspect.json, runtime.json, exit-code or changed
	Line   int    `json:"line,omitempty"` // from 1; 0 where the source has no lines
	Text   string `json:"text"`
}

// Cause is one answer: what it was, how sure that is, and what to do.
type Cause struct {
	ID         string  `json:"id"`         // a name of the Catalogue
	Confidence float64 `json:"confidence"` // 0 to 1
	Why        string  `json:"why"`        // the reason, one sentence
	Fix        string  `json:"fix"`
	Confirm    string  `json:"confirm"` // a command to run, or what to look at
	Evidence   []Line  `json:"evidence"`
}
