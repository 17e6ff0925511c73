package expect

import (
	"cmp"
	"fmt"
	"math"
	"strings"
	"time"
)

func (r *run) comparison(n *comparison) (bool, error) {
	x, err := r.eval(n.x)
	if err != nil {
		return false, err
	}
	if s, ok := n.y.(*span); ok && n.op == "in" {
		v, ok := x.(float64)
		return ok && v >= s.low && v <= s.high && v == math.Trunc(v), nil
	}
	y, err := r.eval(n.y)
	if err != nil {
		return false, err
	}
	switch n.op {
	case "==":
		return r.equal(n, x, y), nil
	case "in":
		return r.in(n, x, y)
	case "<", "<=", ">", ">=":
		return r.order(n, x, y)
	}
	return r.texts(n, x, y)
}

// equal compares the body as a text too, when the other side is one: a body
// that reads 42 or "up" is both JSON and text.
func (r *run) equal(n *comparison, x, y any) bool {
	if same(x, y) {
		return true
	}
	a, xIsText := r.asText(n.x, x)
	b, yIsText := r.asText(n.y, y)
	return xIsText && yIsText && a == b
}

// same reports whether two values are of one type and equal.
func same(x, y any) bool {
	switch x := x.(type) {
	case []any:
		y, ok := y.([]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for i := range x {
			if !same(x[i], y[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		y, ok := y.(map[string]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for k, v := range x {
			if w, ok := y[k]; !ok || !same(v, w) {
				return false
			}
		}
		return true
	case Headers:
		return false
	}
	switch y.(type) {
	case []any, map[string]any, Headers:
		return false
	}
	return x == y
}

// in looks for x among the items of a list, the fields of an object, the names
// of the headers. Nothing is in what is missing.
func (r *run) in(n *comparison, x, y any) (bool, error) {
	switch y := y.(type) {
	case nil:
		return false, nil
	case []any:
		for _, item := range y {
			if same(x, item) {
				return true, nil
			}
		}
		return false, nil
	case map[string]any:
		k, ok := x.(string)
		_, has := y[k]
		return ok && has, nil
	case Headers:
		k, ok := x.(string)
		_, has := y.Get(k)
		return ok && has, nil
	}
	return false, fmt.Errorf("%s; for a part of a text write contains", r.described(n.y, y))
}

func (r *run) order(n *comparison, x, y any) (bool, error) {
	var sign int
	a, xIsText := r.asText(n.x, x)
	b, yIsText := r.asText(n.y, y)
	switch x := x.(type) {
	case float64:
		number, ok := y.(float64)
		if !ok {
			return false, r.unordered(n, x, y)
		}
		sign = cmp.Compare(x, number)
	case time.Duration:
		duration, ok := y.(time.Duration)
		if !ok {
			return false, r.unordered(n, x, y)
		}
		sign = cmp.Compare(x, duration)
	default:
		if !xIsText || !yIsText {
			return false, r.unordered(n, x, y)
		}
		sign = strings.Compare(a, b)
	}
	switch n.op {
	case "<":
		return sign < 0, nil
	case "<=":
		return sign <= 0, nil
	case ">":
		return sign > 0, nil
	}
	return sign >= 0, nil
}

func (r *run) unordered(n *comparison, x, y any) error {
	if _, ok := n.y.(*literal); ok {
		return fmt.Errorf("%s, which cannot be ordered with %s", r.described(n.x, x), kindOfValue(y))
	}
	return fmt.Errorf("%s and %s, which cannot be ordered", r.described(n.x, x), r.described(n.y, y))
}

// texts are the operators on texts. A missing one contains nothing, as in
// expr-lang, so that "not contains" holds of it.
func (r *run) texts(n *comparison, x, y any) (bool, error) {
	if x == nil || y == nil {
		return false, nil
	}
	text, ok := r.asText(n.x, x)
	if !ok {
		return false, fmt.Errorf("%s and not a text", r.described(n.x, x))
	}
	part, ok := r.asText(n.y, y)
	if !ok {
		return false, fmt.Errorf("%s and not a text", r.described(n.y, y))
	}
	switch n.op {
	case "contains":
		return strings.Contains(text, part), nil
	case "startsWith":
		return strings.HasPrefix(text, part), nil
	case "endsWith":
		return strings.HasSuffix(text, part), nil
	}
	return n.pattern.MatchString(text), nil
}
