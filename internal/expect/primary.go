package expect

import (
	"math"
	"time"
)

// postfix reads a value and the fields and elements taken of it.
func (p *parser) postfix() (node, error) {
	base, err := p.primary()
	if err != nil {
		return nil, err
	}
	var steps []node
	for {
		var step node
		switch from := p.token.from; {
		case p.token.is(".", "?."):
			if err := p.advance(); err != nil {
				return nil, err
			}
			if !p.token.name {
				return nil, p.failHere("after . comes the name of a field; an element is reached by [0]")
			}
			step, err = p.literal(p.token.from, p.token.text)
		case p.token.is("["):
			if err := p.advance(); err != nil {
				return nil, err
			}
			if step, err = p.logic("or"); err == nil {
				err = p.expect("]", from)
			}
		default:
			if steps == nil {
				return base, nil
			}
			return &path{at: p.since(base.place().from), base: base, steps: steps}, nil
		}
		if err != nil {
			return nil, err
		}
		if !hasFields(base) {
			return nil, p.fail(step.place().from, "%s has no fields: only headers and body have", clip(p.text(base), 40))
		}
		steps = append(steps, step)
	}
}

func (p *parser) primary() (node, error) {
	t := p.token
	switch v := t.value.(type) {
	case float64:
		return p.number(v)
	case string, time.Duration:
		return p.literal(t.from, v)
	}
	switch {
	case t.is("true", "false"):
		return p.literal(t.from, t.is("true"))
	case t.is("nil"):
		return p.literal(t.from, nil)
	case t.is("("):
		return p.parens()
	case t.is("["):
		return p.list()
	case t.is(functions[:]...):
		return p.call()
	case t.is(variables[:]...):
		p.usesBody = p.usesBody || t.text == "body"
		err := p.advance()
		return &variable{at: p.since(t.from), name: t.text}, err
	case t.name && !t.is(words[:]...):
		return nil, p.unknownName()
	}
	return nil, p.unexpected()
}

// number reads a number, or the span that begins with it.
func (p *parser) number(low float64) (node, error) {
	first, afterIn := p.token, p.prev.is("in")
	n, err := p.literal(first.from, low)
	if err != nil || !p.token.is("..") {
		return n, err
	}
	if !afterIn {
		return nil, p.failHere("a span stands only after in, such as status in 200..299")
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	high, ok := p.token.value.(float64)
	if !ok || low != math.Trunc(low) || high != math.Trunc(high) {
		return nil, p.fail(first.from, "a span is of two whole numbers, such as 200..299")
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	return &span{at: p.since(first.from), low: low, high: high}, nil
}

func (p *parser) parens() (node, error) {
	opened := p.token.from
	if err := p.advance(); err != nil {
		return nil, err
	}
	inner, err := p.logic("or")
	if err != nil {
		return nil, err
	}
	if err := p.expect(")", opened); err != nil {
		return nil, err
	}
	inner.widen(opened, p.prev.to)
	return inner, nil
}

func (p *parser) list() (node, error) {
	opened := p.token.from
	if err := p.advance(); err != nil {
		return nil, err
	}
	var items []node
	for !p.token.is("]") {
		item, err := p.logic("or")
		if err != nil {
			return nil, err
		}
		items = append(items, item)
		if !p.token.is(",") {
			break
		}
		if err := p.advance(); err != nil {
			return nil, err
		}
	}
	if err := p.expect("]", opened); err != nil {
		return nil, err
	}
	return &list{at: p.since(opened), items: items}, nil
}

func (p *parser) call() (node, error) {
	name := p.token
	if err := p.advance(); err != nil {
		return nil, err
	}
	if !p.token.is("(") {
		return nil, p.fail(name.from, "%s is a function: write %s(…)", name.text, name.text)
	}
	opened := p.token.from
	if err := p.advance(); err != nil {
		return nil, err
	}
	arg, err := p.logic("or")
	if err != nil {
		return nil, err
	}
	if err := p.expect(")", opened); err != nil {
		return nil, err
	}
	c := &call{at: p.since(name.from), function: name.text, arg: arg}
	switch k := kindOf(arg); {
	case k == unknownKind || k == textKind:
	case c.function == "len" && (k == listKind || k == objectKind):
	default:
		return nil, p.fail(arg.place().from, "%s cannot take %s", c.function, k)
	}
	return c, nil
}

// unknownName names the known one that was probably meant; a name that is
// followed by a parenthesis was meant as a function.
func (p *parser) unknownName() error {
	name := p.token
	if err := p.advance(); err != nil {
		return err
	}
	if p.token.is("(") {
		hint := didYouMean(name.text, functions[:])
		if hint == "" {
			hint = ": there are len and lower"
		}
		return p.fail(name.from, "unknown function %q%s", clip(name.text, 40), hint)
	}
	hint := didYouMean(name.text, append(variables[:], "true", "false", "nil", "not", "len", "lower"))
	switch name.text {
	case "null", "None", "undefined":
		hint = `: did you mean "nil"?`
	case "code":
		hint = `: did you mean "status"?`
	}
	if hint == "" {
		hint = ": there are status, headers, latency and body"
	}
	return p.fail(name.from, "unknown name %q%s", clip(name.text, 40), hint)
}

// unexpected says that the next token does not belong where it stands.
func (p *parser) unexpected() error {
	t := p.token
	text := clip(p.src[t.from:t.to], 40)
	switch {
	case t.end():
		return p.failHere("the expression ends where a value should come")
	case t.name && p.prev.to > 0 && !t.is(words[:]...):
		return p.failHere("unexpected %q%s", text, didYouMean(t.text, words[:]))
	case t.is("-"):
		return p.failHere("there is no arithmetic in an expectation; a field with - in its name is reached by [\"its-name\"]")
	}
	return p.failHere("unexpected %s", text)
}

// hasFields reports whether a step into n can lead anywhere.
func hasFields(n node) bool {
	switch n := n.(type) {
	case *variable:
		return n.name == "headers" || n.name == "body"
	case *path:
		return true
	}
	return false
}
