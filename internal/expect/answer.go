package expect

import (
	"strconv"
	"strings"
)

// Status is how an answer names its outcome: a number for HTTP and exec, a word
// for gRPC. The zero value is the code 0.
type Status struct {
	code int
	word string
}

// Code is a status that is a number: 200 of HTTP, 0 of a command.
func Code(code int) Status { return Status{code: code} }

// Word is a status that is a word: "SERVING" of gRPC.
func Word(word string) Status { return Status{word: word} }

// String returns the number or the word.
func (s Status) String() string {
	if s.word != "" {
		return s.word
	}
	return strconv.Itoa(s.code)
}

func (s Status) value() any {
	if s.word != "" {
		return s.word
	}
	return float64(s.code)
}

// Header is one field of an answer's head.
type Header struct{ Name, Value string }

// Headers are the fields of an answer's head, in the order in which they came.
type Headers []Header

// Get returns the value of the named field, whatever the case of its name;
// several fields of one name are one, joined by a comma (RFC 9110, 5.3).
func (h Headers) Get(name string) (value string, ok bool) {
	var more []string
	for _, f := range h {
		switch {
		case !strings.EqualFold(f.Name, name):
		case ok:
			more = append(more, f.Value)
		default:
			value, ok = f.Value, true
		}
	}
	if more != nil {
		value += ", " + strings.Join(more, ", ")
	}
	return value, ok
}
