package expect

import (
	"time"
)

var (
	variables = [...]string{"status", "headers", "latency", "body"}
	functions = [...]string{"len", "lower"}
	words     = [...]string{"and", "or", "not", "in", "contains", "startsWith", "endsWith", "matches"}
)

// parser reads by recursive descent, weakest operator first, as expr-lang ranks
// them: or, and, comparisons, not.
type parser struct {
	lexer
	token    token // the one to be read next
	prev     token
	depth    int
	nodes    int
	usesBody bool
}

func (p *parser) parse() (node, error) {
	if err := p.advance(); err != nil {
		return nil, err
	}
	if p.token.end() {
		return nil, p.failHere("the expectation is empty: write one such as status == 200")
	}
	root, err := p.logic("or")
	if err != nil {
		return nil, err
	}
	if !p.token.end() {
		return nil, p.unexpected()
	}
	return root, p.mustBeTruth(root, "the expectation")
}

// logic reads terms joined by the same word; a single term stays what it is.
func (p *parser) logic(word string) (node, error) {
	sign, term := "||", func() (node, error) { return p.logic("and") }
	if word == "and" {
		sign, term = "&&", p.comparison
	}
	first, err := term()
	if err != nil || !p.token.is(word, sign) {
		return first, err
	}
	terms := []node{first}
	for p.token.is(word, sign) {
		joint := p.token
		if err := p.advance(); err != nil {
			return nil, err
		}
		next, err := term()
		if err != nil {
			return nil, err
		}
		terms = append(terms, next)
		for _, t := range terms[len(terms)-2:] {
			if err := p.mustBeTruth(t, joint.text); err != nil {
				return nil, err
			}
		}
	}
	return &logic{at: p.since(first.place().from), word: word, terms: terms}, nil
}

func (p *parser) comparison() (node, error) {
	x, err := p.unary()
	if err != nil {
		return nil, err
	}
	c := comparison{x: x}
	if p.token.is("not") {
		c.negated = true
		if err := p.advance(); err != nil {
			return nil, err
		}
		if !p.token.is("in", "contains", "startsWith", "endsWith", "matches") {
			return nil, p.failHere("after not comes in, contains, startsWith, endsWith or matches")
		}
	}
	sign := p.token
	if !sign.is("==", "!=", "<", "<=", ">", ">=", "in", "contains", "startsWith", "endsWith", "matches") {
		return x, nil
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	if c.y, err = p.unary(); err != nil {
		return nil, err
	}
	if p.token.is("==", "!=", "<", "<=", ">", ">=") {
		return nil, p.failHere("comparisons do not chain: join two of them by &&")
	}
	c.op, c.at = sign.text, p.since(x.place().from)
	if c.op == "!=" {
		c.op, c.negated = "==", true
	}
	return &c, p.check(&c, sign)
}

func (p *parser) unary() (node, error) {
	if err := p.deeper(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	sign := p.token
	switch {
	case sign.is("!", "not"):
		if err := p.advance(); err != nil {
			return nil, err
		}
		x, err := p.unary()
		if err != nil {
			return nil, err
		}
		return &not{at: p.since(sign.from), x: x}, p.mustBeTruth(x, sign.text)
	case sign.is("-"):
		if err := p.advance(); err != nil {
			return nil, err
		}
		switch v := p.token.value.(type) {
		case float64:
			return p.literal(sign.from, -v)
		case time.Duration:
			return p.literal(sign.from, -v)
		}
		return nil, p.fail(sign.from, "- stands only before a number; a field with - in its name is reached by [\"its-name\"]")
	}
	return p.postfix()
}

// literal makes a node of the token that is next.
func (p *parser) literal(from int, value any) (node, error) {
	err := p.advance()
	return &literal{at: p.since(from), value: value}, err
}

// since is the place from an offset to the end of what has been read.
func (p *parser) since(from int) at {
	p.nodes++
	return at{from: from, to: p.prev.to, id: p.nodes - 1}
}

func (p *parser) advance() (err error) {
	p.prev = p.token
	p.token, err = p.lexer.next()
	return err
}

func (p *parser) expect(text string, opened int) error {
	if p.token.end() {
		return p.fail(opened, "what opens here is not closed by %s", text)
	}
	if !p.token.is(text) {
		return p.unexpected()
	}
	return p.advance()
}

func (p *parser) deeper() error {
	if p.depth++; p.depth > maxDepth {
		return p.failHere("the expression nests deeper than %d", maxDepth)
	}
	return nil
}

func (p *parser) failHere(format string, args ...any) error {
	return p.fail(p.token.from, format, args...)
}

func (p *parser) text(n node) string { return p.src[n.place().from:n.place().to] }
