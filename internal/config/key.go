package config

import "strings"

// Kind is what a value looks like.
type Kind string

const (
	Text     Kind = "text"
	Boolean  Kind = "true or false"
	Integer  Kind = "number"
	Decimal  Kind = "decimal number"
	Duration Kind = "duration"
	Size     Kind = "size"
	Choice   Kind = "choice"
	Clock    Kind = "time of day"
)

// Key is one row of the tables: all that people and programs are told of a key.
type Key struct {
	Name    string // snake_case; "crash_loop.crashes" is crashes within crash_loop
	Kind    Kind
	Doc     string
	Default string   // as a user would write it; "" has none
	Example string   // as a user would write it; "" where the default shows it
	Words   []string // of a Choice: all there are; else words that stand for a value, such as off
	Many    bool     // a list; one value alone is a list of one
	// Secret may hold a password: it is masked wherever it is shown, and may be
	// given as NAME_file. Labels cannot do that: they come from outside, and
	// would have the watcher read a file of the host.
	Secret   bool
	Required bool
}

// field is a key together with how its text is taken over into a T; of a list
// each value by itself. Errors of set do not repeat the value.
type field[T any] struct {
	Key
	set func(into *T, text string) error
}

// parent is the section that a dotted key is in: "crash_loop".
func (k Key) parent() (section, name string, ok bool) { return strings.Cut(k.Name, ".") }

// Section is one part of aweigh.yaml and its keys.
type Section struct {
	Name string // "services"
	Doc  string
	Keys []Key
}

// Reference is everything that aweigh.yaml may say, for its documentation and
// its JSON Schema. The keys of defaults are those of services.
func Reference() []Section {
	return []Section{
		{"watch", "The daemon itself.", keysOf(watchFields())},
		{"web", "The pages and the API: who may see them, and how.", keysOf(webFields())},
		{"services", "What is in force for a service.", keysOf(serviceFields())},
		{"routes", "Where notifications go, and which of them.", keysOf(routeFields())},
		{"signals", "Numbers from the business side, each with a rule that says when they are bad.", keysOf(signalFields())},
		{"objectives", "Promises over a window. The five defaults are in force unless their names say something else here.", keysOf(objectiveFields())},
		{"stages", "Where a deployment goes, one place after the other.", keysOf(stageFields())},
	}
}

func keysOf[T any](fields []field[T]) []Key {
	keys := make([]Key, len(fields))
	for i, f := range fields {
		keys[i] = f.Key
	}
	return keys
}
