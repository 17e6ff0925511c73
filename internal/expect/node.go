package expect

import "regexp"

// node is one part of an expression. Its place in the source is how it is named
// to a person, its id where its result is kept during a run.
type node interface {
	place() at
	widen(from, to int)
}

type at struct{ from, to, id int }

func (a at) place() at { return a }

// widen takes the parentheses in.
func (a *at) widen(from, to int) { a.from, a.to = from, to }

type (
	// literal is a nil, bool, float64, string or time.Duration.
	literal struct {
		at
		value any
	}
	variable struct {
		at
		name string
	}
	// path is base, then a field or an element of it, and so on.
	path struct {
		at
		base  node
		steps []node
	}
	call struct {
		at
		function string
		arg      node
	}
	not struct {
		at
		x node
	}
	// logic is two or more terms joined by the same word, "and" or "or".
	logic struct {
		at
		word  string
		terms []node
	}
	comparison struct {
		at
		op      string // "==", "in", "matches" …; "!=" is == negated
		negated bool
		x, y    node
		pattern *regexp.Regexp // of matches
	}
	list struct {
		at
		items []node
	}
	// span is the numbers from low to high, both included.
	span struct {
		at
		low, high float64
	}
)

// kind is what can be known of a value before there is an answer.
type kind string

const (
	unknownKind  kind = ""
	nilKind      kind = "nil"
	boolKind     kind = "a bool"
	numberKind   kind = "a number"
	textKind     kind = "a text"
	durationKind kind = "a duration"
	listKind     kind = "a list"
	objectKind   kind = "an object"
)

// kindOf says what a node will be, as far as its form tells.
func kindOf(n node) kind {
	switch n := n.(type) {
	case *literal:
		return kindOfValue(n.value)
	case *variable:
		switch n.name {
		case "latency":
			return durationKind
		case "headers":
			return objectKind
		}
	case *call:
		if n.function == "len" {
			return numberKind
		}
		return textKind
	case *not, *logic, *comparison:
		return boolKind
	case *list, *span:
		return listKind
	}
	return unknownKind
}
