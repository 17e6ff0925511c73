// Package lint finds in a compose project what will make a start fail, go unseen
// or be hard to undo.
//
//	project, err := compose.Load(ctx, compose.Choice{Lenient: true})
//	findings := lint.Run(lint.Input{Project: project})
//	for _, f := range findings {
//		fmt.Println(f.Place, f.Severity, f.Message)
//	}
//
// Rules is the catalogue: each rule has an id, a severity, a reason and a fix,
// and is a function in a file of its family. What only this host knows (images,
// starts that were measured, ports that are taken) comes with the Input; where it
// is missing a rule says nothing rather than guess.
package lint

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/compose"
)

// Input is what is looked at.
type Input struct {
	Project  *compose.Project
	Services []string // only these; none: all of the active profiles
	// Images tells what an image on this host has; nil, or false, where it is not
	// known.
	Images func(ref string) (Image, bool)
	// Lacks tells which of these programs (paths, or names to be looked for in
	// PATH) an image does not have; false where it is not known.
	Lacks func(ref string, programs []string) ([]string, bool)
	// Measured tells what was seen of a service's starts; nil where nothing was.
	Measured func(service string) Measured
	// Listeners are those of this host; nil where they are not known.
	Listeners []Listener
	// Rotated says that the engine itself bounds the logs of containers that do
	// not say otherwise.
	Rotated bool
	Watcher Watcher
	Now     time.Time
}

// Image is what an image on this host has.
type Image struct {
	HealthTest       []string // as Docker has it; nil: no health check
	StartPeriod      time.Duration
	Interval         time.Duration
	Timeout          time.Duration
	Retries          int
	Exposed          []int // TCP
	Entrypoint, Cmd  []string
	StopSignal, User string
}

// Measured is what was seen of a service.
type Measured struct {
	Ready []time.Duration // times to ready of its good starts
	OOM   int             // how often it was killed for want of memory
	Peak  int64           // most memory that it was seen to take, in bytes; 0 is not known
}

// Listener is a TCP port of this host that is taken.
type Listener struct {
	Addr string // "0.0.0.0", "::", "127.0.0.1" …
	Port int
	By   string // who has it, as far as it can be seen
	// Project and Service are those of the container that has it published.
	Project, Service string
}

// Watcher says whether anybody watches this host.
type Watcher struct {
	Dir  string    // where a store was looked for
	Last time.Time // when a watcher was last there; zero: never
}

// Finding is one thing that a rule found.
type Finding struct {
	Rule     string          `json:"rule"`
	Severity aweigh.Severity `json:"severity"`
	Services []string        `json:"services,omitempty"` // those that it is about
	File     string          `json:"file"`
	Line     int             `json:"line,omitempty"`
	Column   int             `json:"column,omitempty"`
	Message  string          `json:"message"`
	Fix      string          `json:"fix"`
	// Fixable says that --fix does it.
	Fixable bool `json:"fixable,omitempty"`

	edit *edit
}

// Place is where it is.
func (f Finding) Place() compose.Place {
	return compose.Place{File: f.File, Line: f.Line, Column: f.Column}
}

// rank orders severities, the worst first.
func rank(s aweigh.Severity) int {
	return slices.Index([]aweigh.Severity{aweigh.Critical, aweigh.Warning, aweigh.Info}, s)
}

// AtLeast reports whether a severity is as bad as another, or worse.
func AtLeast(s, least aweigh.Severity) bool { return rank(s) <= rank(least) }

// Run applies all rules. Findings are in the order of the files; one that
// several services share (by an anchor, or a Dockerfile) is one, with all of
// their names.
func Run(in Input) []Finding {
	if in.Now.IsZero() {
		in.Now = time.Now()
	}
	p := newProject(in)
	var all []Finding
	for _, r := range Rules() {
		for _, f := range r.check(p) {
			f.Rule = r.ID
			if f.Severity == "" {
				f.Severity = r.Severity
			}
			if f.Fix == "" {
				f.Fix = r.Fix
			}
			f.Fixable = f.edit != nil
			if !p.chosen(f.Services) || p.allowed(f) {
				continue
			}
			all = append(all, f)
		}
	}
	return order(merge(all))
}

// merge makes one of the findings that say the same at one place.
func merge(all []Finding) []Finding {
	var merged []Finding
	for _, f := range all {
		i := slices.IndexFunc(merged, func(m Finding) bool {
			return m.Rule == f.Rule && m.Place() == f.Place() && m.Message == f.Message
		})
		if i < 0 {
			merged = append(merged, f)
			continue
		}
		for _, s := range f.Services {
			if !slices.Contains(merged[i].Services, s) {
				merged[i].Services = append(merged[i].Services, s)
			}
		}
	}
	return merged
}

func order(all []Finding) []Finding {
	slices.SortStableFunc(all, func(a, b Finding) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column),
			cmp.Compare(rank(a.Severity), rank(b.Severity)), strings.Compare(a.Rule, b.Rule))
	})
	return all
}

// found is a finding about a service at a path below it in the compose file.
func (s *service) found(message string, path ...string) Finding {
	at := s.at(path...)
	return Finding{Services: []string{s.name}, File: at.File, Line: at.Line, Column: at.Column, Message: message}
}

// inDockerfile is a finding about a service at a line of its Dockerfile.
func (s *service) inDockerfile(message string, line int) Finding {
	return Finding{Services: []string{s.name}, File: s.dockerfile.Path, Line: line, Column: 1, Message: message}
}
