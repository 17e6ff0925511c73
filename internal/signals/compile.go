package signals

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/aweigh/aweigh"
)

// Compiled is a signal that has been checked and can be evaluated. It may be
// used by several goroutines.
type Compiled struct {
	signal  Signal
	rule    *rule
	ask     ask
	secrets *secrets
}

// Signal returns the signal with its defaults filled in. It has the secrets.
func (c *Compiled) Signal() Signal { return c.signal }

// Error is a mistake in one key of a signal, for callers that know the place
// of the key in a file.
type Error struct {
	Signal string // its name
	Key    string // "rule", "every", as aweigh.yaml has them
	Err    error
}

func (e *Error) Error() string { return fmt.Sprintf("signal %s: %s: %v", e.Signal, e.Key, e.Err) }
func (e *Error) Unwrap() error { return e.Err }

var signalName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// Compile fills in the defaults and checks all that can be checked without
// asking. Its error joins one *Error for each key with a mistake.
func Compile(s Signal) (*Compiled, error) {
	var mistakes []error
	wrong := func(key string, err error) {
		if err != nil {
			mistakes = append(mistakes, &Error{s.Name, key, err})
		}
	}
	if !signalName.MatchString(s.Name) {
		wrong("name", fmt.Errorf("%q is no name: use 1 to 64 letters, digits, '.', - and _", s.Name))
	}
	if s.Service == "" {
		wrong("service", errors.New("is missing: name the service whose trouble it is"))
	}
	checkTimes(&s, wrong)
	checkWords(&s, wrong)

	c := &Compiled{secrets: secretsOf(s)}
	var err error
	c.rule, err = compileRule(s.Rule)
	wrong("rule", err)
	var names []string
	if c.rule != nil {
		names = c.rule.names
	}
	var key string
	c.ask, key, err = openSource(s, names, c.secrets)
	if err != nil {
		wrong(key, errors.New(c.secrets.hide(err.Error())))
	}
	if len(mistakes) > 0 {
		return nil, errors.Join(mistakes...)
	}
	c.signal = s
	return c, nil
}

func checkTimes(s *Signal, wrong func(string, error)) {
	def := func(d *time.Duration, otherwise time.Duration) {
		if *d == 0 {
			*d = otherwise
		}
	}
	def(&s.Every, defaultEvery)
	def(&s.Window, defaultWindow)
	def(&s.Timeout, min(defaultTimeout, max(s.Every, time.Second)))
	atLeast := func(key string, d, least time.Duration) bool {
		if d < least {
			wrong(key, fmt.Errorf("%s is too short: at least %s", d, least))
		}
		return d >= least
	}
	if atLeast("every", s.Every, time.Second) && s.Timeout > s.Every {
		wrong("timeout", fmt.Errorf("%s is longer than every (%s): a query must have ended before the next", s.Timeout, s.Every))
	}
	atLeast("window", s.Window, time.Second)
	atLeast("timeout", s.Timeout, time.Millisecond)
	if s.Hold < 0 {
		wrong("hold", fmt.Errorf("%s is negative", s.Hold))
	}
}

func checkWords(s *Signal, wrong func(string, error)) {
	if s.Missing == "" {
		s.Missing = MissingIgnore
	}
	if s.Severity == "" {
		s.Severity = aweigh.Critical
	}
	oneOf := func(key, word string, words ...string) {
		for _, w := range words {
			if w == word {
				return
			}
		}
		wrong(key, fmt.Errorf("%q is none of %s%s", word, strings.Join(words, ", "), didYouMean(word, words)))
	}
	oneOf("missing", string(s.Missing), string(MissingIgnore), string(MissingOK), string(MissingAlert))
	oneOf("severity", string(s.Severity), string(aweigh.Critical), string(aweigh.Warning), string(aweigh.Info))
}
