package expect

import (
	"regexp"
	"strings"
)

// check finds what can never work, whatever the answer.
func (p *parser) check(c *comparison, sign token) error {
	x, y := kindOf(c.x), kindOf(c.y)
	switch c.op {
	case "<", "<=", ">", ">=":
		if x == durationKind && y == numberKind || x == numberKind && y == durationKind {
			return p.fail(sign.from, "a duration needs its unit: write it as 500ms, 1.5s or 2m")
		}
		for _, k := range []kind{x, y} {
			if k != unknownKind && k != numberKind && k != textKind && k != durationKind {
				return p.fail(sign.from, "%s orders numbers, texts and durations, not %s", sign.text, k)
			}
		}
		if x != unknownKind && y != unknownKind && x != y {
			return p.fail(sign.from, "%s cannot order %s and %s", sign.text, x, y)
		}
	case "in":
		if y != unknownKind && y != listKind && y != objectKind {
			return p.fail(c.y.place().from, "in needs a list, such as [200, 204] or 200..299; for a part of a text write contains")
		}
	case "contains", "startsWith", "endsWith", "matches":
		for _, n := range []node{c.x, c.y} {
			if k := kindOf(n); k != unknownKind && k != textKind {
				return p.fail(n.place().from, "%s needs texts, this is %s", c.op, k)
			}
		}
	}
	if c.op != "matches" {
		return nil
	}
	pattern, ok := c.y.(*literal)
	if !ok {
		return p.fail(c.y.place().from, "matches needs a regular expression in quotes")
	}
	re, err := regexp.Compile(pattern.value.(string))
	if err != nil {
		what, _ := strings.CutPrefix(err.Error(), "error parsing regexp: ")
		return p.fail(pattern.from, "the regular expression is not valid: %s", clip(what, maxPart))
	}
	c.pattern = re
	return nil
}

// mustBeTruth refuses what can never be true or false where that is needed.
func (p *parser) mustBeTruth(n node, where string) error {
	k := kindOf(n)
	if v, ok := n.(*variable); ok && v.name == "status" {
		k = "a number or a word"
	}
	if k == unknownKind || k == boolKind {
		return nil
	}
	hint := ", such as " + clip(p.text(n), 40) + " == …"
	switch {
	case where == "not" || where == "!":
		hint = ": put what it denies in parentheses"
	case k == objectKind || k == nilKind:
		hint = ""
	}
	return p.fail(n.place().from, "%s must be true or false, this is %s%s", where, k, hint)
}
