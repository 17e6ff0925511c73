package expect

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// run is one evaluation. It keeps the result of each node, so that none is
// computed twice, not even for the explanation.
type run struct {
	expr   *Expr
	answer Answer
	memo   []result
	read   bool // the body has been looked at
	text   string
	json   any // the body's value, if isJSON
	isJSON bool
}

type result struct {
	value any
	err   error
	known bool
}

func (r *run) eval(n node) (any, error) {
	m := &r.memo[n.place().id]
	if !m.known {
		m.value, m.err = r.compute(n)
		m.known = true
	}
	return m.value, m.err
}

func (r *run) compute(n node) (any, error) {
	switch n := n.(type) {
	case *literal:
		return n.value, nil
	case *variable:
		return r.variable(n.name)
	case *path:
		return r.path(n)
	case *call:
		return r.call(n)
	case *not:
		v, err := r.truth(n.x)
		return err == nil && !v, err
	case *logic:
		return r.logic(n)
	case *comparison:
		v, err := r.comparison(n)
		return err == nil && v != n.negated, err
	case *list:
		values := make([]any, len(n.items))
		for i, item := range n.items {
			var err error
			if values[i], err = r.eval(item); err != nil {
				return nil, err
			}
		}
		return values, nil
	}
	return nil, errors.New("a span has no value") // the parser lets it stand only after in
}

func (r *run) variable(name string) (any, error) {
	switch name {
	case "status":
		return r.answer.Status.value(), nil
	case "latency":
		return r.answer.Latency, nil
	case "headers":
		return r.answer.Headers, nil
	}
	if err := r.readBody(); err != nil {
		return nil, err
	}
	if r.isJSON {
		return r.json, nil
	}
	return r.text, nil
}

func (r *run) readBody() error {
	if r.answer.BodyCut {
		return fmt.Errorf("the body is longer than the %d bytes that are read of it", len(r.answer.Body))
	}
	if !r.read {
		r.read = true
		r.text = strings.TrimRight(string(r.answer.Body), "\r\n")
		r.isJSON = json.Unmarshal(r.answer.Body, &r.json) == nil
	}
	return nil
}

func (r *run) path(n *path) (any, error) {
	v, err := r.eval(n.base)
	for _, s := range n.steps {
		if err != nil {
			return nil, err
		}
		var key any
		if key, err = r.eval(s); err == nil {
			v = step(v, key)
		}
	}
	return v, err
}

// step is the field or the element of v; what is missing is nil.
func step(v, key any) any {
	switch v := v.(type) {
	case map[string]any:
		if k, ok := key.(string); ok {
			return v[k]
		}
	case Headers:
		if k, ok := key.(string); ok {
			if value, ok := v.Get(k); ok {
				return value
			}
		}
	case []any:
		i, ok := key.(float64)
		if ok && i < 0 {
			i += float64(len(v)) // [-1] is the last
		}
		if ok && i >= 0 && i < float64(len(v)) && i == float64(int(i)) {
			return v[int(i)]
		}
	}
	return nil
}

func (r *run) call(n *call) (any, error) {
	v, err := r.eval(n.arg)
	if err != nil {
		return nil, err
	}
	if text, ok := r.asText(n.arg, v); ok && n.function == "lower" {
		return strings.ToLower(text), nil
	} else if n.function == "len" {
		switch v := v.(type) {
		case []any:
			return float64(len(v)), nil
		case map[string]any:
			return float64(len(v)), nil
		case Headers:
			return float64(len(v)), nil
		}
		if ok {
			return float64(utf8.RuneCountInString(text)), nil
		}
	}
	return nil, fmt.Errorf("%s cannot take %s", n.function, r.described(n.arg, v))
}

func (r *run) truth(n node) (bool, error) {
	v, err := r.eval(n)
	if err != nil {
		return false, err
	}
	b, ok := v.(bool)
	if !ok {
		if v == nil {
			return false, errors.New(r.described(n, v))
		}
		return false, fmt.Errorf("%s and not true or false", r.described(n, v))
	}
	return b, nil
}

// logic stops at the first term that decides. An error counts as not held: of
// "or", a later term may still hold.
func (r *run) logic(n *logic) (any, error) {
	var first error
	for _, t := range n.terms {
		v, err := r.truth(t)
		if n.word == "and" && (err != nil || !v) {
			return false, err
		}
		if n.word == "or" && v {
			return true, nil
		}
		if first == nil {
			first = err
		}
	}
	return first == nil && n.word == "and", first
}

// asText is the text of v. The body itself is a text too where one is asked
// for, even when it is JSON.
func (r *run) asText(n node, v any) (string, bool) {
	if b, ok := n.(*variable); ok && b.name == "body" {
		return r.text, true
	}
	text, ok := v.(string)
	return text, ok
}

// kindOfValue names the type of a value for a person.
func kindOfValue(v any) kind {
	switch v.(type) {
	case nil:
		return nilKind
	case bool:
		return boolKind
	case float64:
		return numberKind
	case string:
		return textKind
	case time.Duration:
		return durationKind
	case []any:
		return listKind
	}
	return objectKind
}
