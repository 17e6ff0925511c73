package expect

import (
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// token is one word of the source. What it is shows in value: a float64, a
// string or a time.Duration of a literal, else nil, and text tells.
type token struct {
	text     string // of a name or an operator; "" at the end of the source
	from, to int
	name     bool // of a variable, a field or an operator in letters
	value    any
}

func (t token) is(texts ...string) bool {
	for _, text := range texts {
		if t.value == nil && t.text == text {
			return true
		}
	}
	return false
}

func (t token) end() bool { return t.value == nil && t.text == "" }

// lexer cuts the source into tokens, one at a time.
type lexer struct {
	src string
	at  int
}

// operators in signs, the longer before those which they begin with.
var operators = [...]string{"==", "!=", "<=", ">=", "&&", "||", "..", "?.",
	"<", ">", "!", "(", ")", "[", "]", ",", ".", "-"}

func (l *lexer) next() (token, error) {
	l.at += len(l.src[l.at:]) - len(strings.TrimLeft(l.src[l.at:], " \t\r\n"))
	rest := l.src[l.at:]
	if rest == "" {
		return token{from: l.at, to: l.at}, nil
	}
	switch c, _ := utf8.DecodeRuneInString(rest); {
	case c == '"' || c == '\'' || c == '`':
		return l.quoted(byte(c))
	case c >= '0' && c <= '9':
		return l.number()
	case nameChar(c):
		n := len(rest) - len(strings.TrimLeftFunc(rest, nameChar))
		return l.take(token{text: rest[:n], name: true}, n), nil
	}
	for _, op := range operators {
		if strings.HasPrefix(rest, op) {
			return l.take(token{text: op}, len(op)), nil
		}
	}
	return token{}, l.unknown(rest)
}

func (l *lexer) take(t token, n int) token {
	t.from, t.to = l.at, l.at+n
	l.at += n
	return t
}

func (l *lexer) fail(offset int, format string, args ...any) error {
	return syntaxError(l.src, offset, format, args...)
}

// unknown says what was probably meant by a sign that the language lacks.
func (l *lexer) unknown(rest string) error {
	c, _ := utf8.DecodeRuneInString(rest)
	switch c {
	case '=':
		return l.fail(l.at, "= is not an operator: write == to compare")
	case '&', '|':
		return l.fail(l.at, "%c is not an operator: write %c%c", c, c, c)
	case '+', '*', '/', '%', '^':
		return l.fail(l.at, "%c: there is no arithmetic in an expectation", c)
	case '~':
		return l.fail(l.at, "~ is not an operator: write matches \"…\" for a regular expression")
	case '“', '”', '‘', '’':
		return l.fail(l.at, "%c is not a quote that is understood: write \" or '", c)
	}
	return l.fail(l.at, "%q is not understood here", c)
}

func nameChar(c rune) bool { return c == '_' || unicode.IsLetter(c) || unicode.IsDigit(c) }

// number reads 200, 1.5, 1e3, and durations: 500ms, 1.5s, 1m30s.
func (l *lexer) number() (token, error) {
	rest, n := l.src[l.at:], 0
	for n < len(rest) {
		c, size := utf8.DecodeRuneInString(rest[n:])
		// A point belongs to the number only before a digit: 200..299.
		if !nameChar(c) && (c != '.' || n+1 >= len(rest) || rest[n+1] < '0' || rest[n+1] > '9') {
			break
		}
		n += size
	}
	word := rest[:n]
	if v, err := strconv.ParseFloat(word, 64); err == nil {
		return l.take(token{value: v}, n), nil
	}
	if d, err := time.ParseDuration(word); err == nil {
		return l.take(token{value: d}, n), nil
	}
	return token{}, l.fail(l.at, "%s is neither a number nor a duration such as 500ms, 1.5s, 2m", clip(word, 40))
}

// quoted reads "…" and '…' with the escapes of Go, and `…` as it stands.
func (l *lexer) quoted(quote byte) (token, error) {
	body := l.src[l.at+1:]
	if quote == '`' {
		n := strings.IndexByte(body, '`')
		if n < 0 {
			return token{}, l.fail(l.at, "the text that begins here has no closing `")
		}
		return l.take(token{value: body[:n]}, n+2), nil
	}
	var text strings.Builder
	for rest := body; rest != ""; {
		if rest[0] == quote {
			return l.take(token{value: text.String()}, len(body)-len(rest)+2), nil
		}
		c, multibyte, tail, err := strconv.UnquoteChar(rest, quote)
		if err != nil {
			at := len(l.src) - len(rest)
			return token{}, l.fail(at, "%s is not an escape that is known: write \\\\ for a backslash, or put the text in `…`", badEscape(rest))
		}
		if c < utf8.RuneSelf || !multibyte {
			text.WriteByte(byte(c))
		} else {
			text.WriteRune(c)
		}
		rest = tail
	}
	return token{}, l.fail(l.at, "the text that begins here has no closing %c", quote)
}

func badEscape(rest string) string {
	_, size := utf8.DecodeRuneInString(rest[1:])
	return clip(rest[:1+size], 2)
}
