package signals

import (
	"errors"
	"fmt"
	"strings"
)

// dialect is how a database writes what matters for finding placeholders.
type dialect struct {
	name        string
	placeholder func(n int, name string) string // of the n-th parameter, from 1
	layout      string                          // of times
	backslash   bool                            // '\'' is a text of one quote
	hash        bool                            // # begins a comment
	dollar      bool                            // $tag$ text $tag$, and nested comments
	bracket     bool                            // [name]
	double      bool                            // "a text", as opposed to a name: backslashes count there too
}

// readers are the words with which a query begins that only reads.
var readers = []string{"select", "with", "values", "table", "show"}

// bind finds :since and its like in a query, outside of texts, names and
// comments, and puts the dialect's own placeholders there. It returns the names
// in the order of the parameters. Nothing is ever pasted into SQL.
func (d dialect) bind(query string) (sql string, names []string, err error) {
	if strings.TrimSpace(query) == "" {
		return "", nil, queryError{errors.New("is missing: write the SQL that gives one row of numbers")}
	}
	var out strings.Builder
	ended, began := false, false
	for i := 0; i < len(query); {
		n, kind := d.token(query[i:])
		word := query[i : i+n]
		switch {
		case kind == unterminated:
			return "", nil, queryError{fmt.Errorf("the text, name or comment that begins with %s does not end", oneLine(word[:min(n, 20)]))}
		case kind == comment || kind == space:
			// A comment stays out: MariaDB runs those that begin with !.
			out.WriteByte(' ')
			i += n
			continue
		case ended:
			return "", nil, queryError{errors.New("has more than one statement: write one, which gives one row")}
		case word == ";":
			ended = true
			i += n
			continue
		case !began && word != "(":
			began = true
			if !isReader(word) {
				return "", nil, queryError{fmt.Errorf("begins with %s: a signal only reads, with %s", oneLine(word), strings.ToUpper(strings.Join(readers, ", ")))}
			}
		}
		if kind != parameter {
			out.WriteString(word)
		} else if _, ok := windowNames[word[1:]]; ok {
			names = append(names, word[1:])
			out.WriteString(d.placeholder(len(names), word[1:]))
		} else {
			return "", nil, queryError{unknownPlaceholder(word[1:])}
		}
		i += n
	}
	if !began {
		return "", nil, queryError{errors.New("has nothing but comments")}
	}
	return out.String(), names, nil
}

func isReader(word string) bool {
	for _, r := range readers {
		if strings.EqualFold(r, word) {
			return true
		}
	}
	return false
}

type tokenKind int

const (
	other tokenKind = iota
	space
	comment
	parameter
	unterminated
)

// token returns the length and the kind of what q begins with. q is not empty.
func (d dialect) token(q string) (int, tokenKind) {
	switch c := q[0]; {
	case c == ' ' || c == '\t' || c == '\n' || c == '\r':
		return 1, space
	// MySQL takes 5--1 for 6: its comments begin with "-- ".
	case strings.HasPrefix(q, "--") && (!d.hash || len(q) == 2 || q[2] <= ' '), c == '#' && d.hash:
		if end := strings.IndexByte(q, '\n'); end >= 0 {
			return end + 1, comment
		}
		return len(q), comment
	case strings.HasPrefix(q, "/*"):
		return d.block(q)
	case c == '\'':
		return quoted(q, 0, '\'', d.backslash)
	case (c == 'e' || c == 'E') && d.dollar && len(q) > 1 && q[1] == '\'':
		return quoted(q, 1, '\'', true)
	case c == '"':
		return quoted(q, 0, '"', d.double)
	case c == '`':
		return quoted(q, 0, '`', false)
	case c == '[' && d.bracket:
		return quoted(q, 0, ']', false)
	case c == '$' && d.dollar:
		return dollarQuoted(q)
	case isWordByte(c):
		n := wordLength(q)
		if n < len(q) && q[n] == ':' && !strings.HasPrefix(q[n:], "::") { // of a slice: a[1:n]
			n++
		}
		return n, other
	case strings.HasPrefix(q, "::"), strings.HasPrefix(q, ":="):
		return 2, other
	case c == ':' && len(q) > 1 && isWordByte(q[1]):
		return 1 + wordLength(q[1:]), parameter
	}
	return 1, other
}

// block is a comment between /* and */. PostgreSQL's nest.
func (d dialect) block(q string) (int, tokenKind) {
	depth := 0
	for i := 0; i+1 < len(q); i++ {
		switch q[i : i+2] {
		case "/*":
			if depth == 0 || d.dollar {
				depth++
			}
			i++
		case "*/":
			depth--
			i++
			if depth == 0 {
				return i + 1, comment
			}
		}
	}
	return len(q), unterminated
}

// quoted is what ends with the quote; doubled, it stands for itself.
func quoted(q string, start int, quote byte, backslash bool) (int, tokenKind) {
	for i := start + 1; i < len(q); i++ {
		switch {
		case q[i] == '\\' && backslash:
			i++
		case q[i] == quote && quote != ']' && i+1 < len(q) && q[i+1] == quote:
			i++
		case q[i] == quote:
			return i + 1, other
		}
	}
	return len(q), unterminated
}

func dollarQuoted(q string) (int, tokenKind) {
	n := 1
	for n < len(q) && isWordByte(q[n]) {
		n++
	}
	if n == len(q) || q[n] != '$' || n > 1 && q[1] >= '0' && q[1] <= '9' {
		return n, other // $1
	}
	tag := q[:n+1]
	if end := strings.Index(q[len(tag):], tag); end >= 0 {
		return len(tag) + end + len(tag), other
	}
	return len(q), unterminated
}

func isWordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

func wordLength(q string) int {
	n := 0
	for n < len(q) && isWordByte(q[n]) {
		n++
	}
	return n
}
