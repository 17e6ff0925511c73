package expect

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Bounds of an explanation, in characters.
const (
	maxPart  = 120 // of the expression
	maxValue = 80
	maxTerms = 3
)

// explain says why n does not hold: the smallest part that decided, and what it
// met.
func (r *run) explain(n node) string {
	_, err := r.truth(n)
	switch l, ok := n.(*logic); {
	case ok && l.word == "and":
		for _, t := range l.terms {
			if v, err := r.truth(t); err != nil || !v {
				return r.explain(t)
			}
		}
	case ok && err != nil: // no term of "or" holds, and one could not be told
		err = nil
	}
	if err != nil {
		return fmt.Sprintf("expected %s, but %v", r.source(n, maxPart), err)
	}
	var got []string
	seen := map[string]bool{}
	for _, t := range terms(n, nil) {
		name := r.source(t, 40)
		if seen[name] {
			continue
		}
		seen[name] = true
		v, err := r.eval(t)
		switch {
		case len(got) == maxTerms:
			continue
		case err != nil:
			got = append(got, err.Error())
		case v == nil:
			got = append(got, "no "+name+r.notJSON(t))
		default:
			got = append(got, name+" "+r.show(t, v))
		}
	}
	why := "expected " + r.source(n, maxPart)
	if got != nil {
		why += ", got " + strings.Join(got, ", ")
	}
	if c, ok := n.(*comparison); ok && c.op == "==" && !c.negated {
		why += r.otherType(c)
	}
	return why
}

// terms appends what in n depends on the answer.
func terms(n node, found []node) []node {
	switch n := n.(type) {
	case *variable, *path, *call:
		return append(found, n)
	case *not:
		return terms(n.x, found)
	case *logic:
		for _, t := range n.terms {
			found = terms(t, found)
		}
	case *list:
		for _, t := range n.items {
			found = terms(t, found)
		}
	case *comparison:
		return terms(n.y, terms(n.x, found))
	}
	return found
}

// otherType explains what puzzles: expected "200", got 200.
func (r *run) otherType(c *comparison) string {
	x, _ := r.eval(c.x)
	y, _ := r.eval(c.y)
	if x == nil || y == nil || kindOfValue(x) == kindOfValue(y) {
		return ""
	}
	if _, ok := c.y.(*literal); ok {
		return fmt.Sprintf(", %s and not %s", kindOfValue(x), kindOfValue(y))
	}
	return fmt.Sprintf(" (%s and %s are never equal)", kindOfValue(x), kindOfValue(y))
}

// notJSON explains why a field of the body is missing.
func (r *run) notJSON(n node) string {
	p, ok := n.(*path)
	if !ok || r.isJSON {
		return ""
	}
	if v, ok := p.base.(*variable); !ok || v.name != "body" {
		return ""
	}
	if r.text == "" {
		return ": the body is empty"
	}
	return ": the body is not JSON but " + quote(r.text)
}

// described is a term with its value and type: `body.n is "12", a text`.
func (r *run) described(n node, v any) string {
	name := r.source(n, 40)
	if v == nil {
		return name + " is missing" + r.notJSON(n)
	}
	return name + " is " + r.show(n, v) + ", " + string(kindOfValue(v))
}

// show writes a value as the language does.
func (r *run) show(n node, v any) string {
	if text, ok := r.asText(n, v); ok {
		return quote(text)
	}
	switch v := v.(type) {
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case time.Duration:
		return shortDuration(v)
	case Headers:
		return strconv.Itoa(len(v)) + " fields"
	}
	text, _ := json.Marshal(v)
	return clip(string(text), maxValue)
}

// shortDuration leaves out digits that tell nothing: 512.3ms, not 512.312894ms.
func shortDuration(d time.Duration) string {
	for unit := time.Second; unit >= time.Microsecond; unit /= 1000 {
		if d >= unit || d <= -unit {
			return d.Round(unit / 1000).String()
		}
	}
	return d.String()
}

func quote(text string) string {
	count := 0
	for i := range text {
		if count++; count > maxValue {
			return strconv.Quote(text[:i]) + "…"
		}
	}
	return strconv.Quote(text)
}

func (r *run) source(n node, most int) string {
	return clip(r.expr.source[n.place().from:n.place().to], most)
}

// clip bounds a text to so many characters and makes control characters, line
// ends and broken UTF-8 harmless.
func clip(text string, most int) string {
	var b strings.Builder
	count := 0
	for _, c := range text {
		if count++; count > most {
			b.WriteString("…")
			break
		}
		if unicode.IsPrint(c) || c == ' ' {
			b.WriteRune(c)
		} else {
			b.WriteByte(' ')
		}
	}
	return b.String()
}
