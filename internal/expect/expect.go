// Package expect is the language of --expect: one line that says what a
// healthy answer looks like.
//
//	status == 200 && body.status == "ok"
//	status in 200..299 and latency < 500ms
//	headers["content-type"] startsWith "application/json"
//	body.checks["db"].ok and len(body.items) > 0
//	status == "SERVING"
//	body matches "^(ok|alive)"
//
// It is a small subset of the syntax of expr-lang, so that what is known of
// that language holds here: the same names of operators, the same precedence.
// It has no loops, no assignment and no arithmetic; every expression ends, in
// time proportional to its length and to that of the answer.
//
// The variables are status (a number for HTTP and for the exit code of a
// command, a word such as "SERVING" for gRPC), headers (by name in any case),
// latency (compared with durations: 500ms, 1.5s, 1m) and body: its fields if it
// is JSON, else its text without the line ends that close it. The functions are
// len(x) and lower(x).
//
// A field that is missing is nil and equals only nil. Values of different types
// are never equal; to order them is an error, and an error never holds.
package expect

import (
	"time"
	"unicode/utf8"
)

// Bounds of an expression: what a person writes is far below both.
const (
	maxSource = 4096 // bytes
	maxDepth  = 50   // of parentheses, lists, indexes and not
)

// Expr is a compiled expression. It is immutable: any number of goroutines may
// use it.
type Expr struct {
	source   string
	root     node
	nodes    int
	usesBody bool
}

// Answer is what a probe got. The zero value of a field means that the protocol
// has no such thing.
type Answer struct {
	Status  Status
	Headers Headers
	Latency time.Duration
	Body    []byte
	// BodyCut says that the body was longer than what was read of it: an
	// expression that comes to need the body then does not hold.
	BodyCut bool
}

// Compile reads an expression. The error is a *SyntaxError, which names the
// column and shows the place.
func Compile(src string) (*Expr, error) {
	switch {
	case len(src) > maxSource:
		return nil, &SyntaxError{Source: src, Column: maxSource + 1, Message: "the expression is longer than 4096 bytes"}
	case !utf8.ValidString(src):
		return nil, &SyntaxError{Source: src, Column: 1, Message: "the expression is not valid UTF-8"}
	}
	p := parser{lexer: lexer{src: src}}
	root, err := p.parse()
	if err != nil {
		return nil, err
	}
	return &Expr{source: src, root: root, nodes: p.nodes, usesBody: p.usesBody}, nil
}

// Holds reports whether the answer is as expected. When it is not, why says so
// in one line for a person, of bounded length and without control characters:
// the part which failed, and the values that it met.
func (e *Expr) Holds(a Answer) (ok bool, why string) {
	r := run{expr: e, answer: a, memo: make([]result, e.nodes)}
	v, err := r.eval(e.root)
	if v == true && err == nil {
		return true, ""
	}
	return false, r.explain(e.root)
}

// UsesBody reports whether the expression names the body, so that a probe knows
// whether it must have all of it.
func (e *Expr) UsesBody() bool { return e.usesBody }

// String returns the expression as it was written.
func (e *Expr) String() string { return e.source }
