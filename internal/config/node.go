package config

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// reader walks the nodes of one file by the tables, and collects what is wrong.
type reader struct {
	file     string // as problems name it
	dir      string // what relative paths are relative to
	env      func(string) (string, bool)
	readFile func(path string) (string, error)
	problems Problems
	left     int // nodes that may still be visited: aliases must not multiply without bound
}

// maxNodes is some ten times what a file of maxFile can sensibly hold.
const maxNodes = 200_000

// entry is one key of a mapping and its value.
type entry struct {
	name       string
	key, value *yaml.Node
}

// value is one scalar.
type value struct {
	node *yaml.Node
	text string // with variables put in
	raw  string // as written
	// hidden says that it must not be repeated: a variable was put in, or it
	// came from a file.
	hidden bool
	file   string // where it came from; "" for none
}

func (r *reader) problem(line, column int, key, format string, args ...any) {
	p := Problem{File: r.file, Line: line, Column: column, Key: key, Message: fmt.Sprintf(format, args...)}
	// An alias shows the same mistake at each use; nobody needs a hundred.
	if len(r.problems) < 100 && !slices.Contains(r.problems, p) {
		r.problems = append(r.problems, p)
	}
}

func (r *reader) at(n *yaml.Node, key, format string, args ...any) {
	r.problem(n.Line, n.Column, key, format, args...)
}

// resolve follows an alias. A chain of them is bounded by the budget.
func (r *reader) resolve(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode && n.Alias != nil && r.spend() {
		n = n.Alias
	}
	return n
}

func (r *reader) spend() bool { return r.spendBytes(0) }

// spendBytes counts long texts as more than one node.
func (r *reader) spendBytes(n int) bool {
	if r.left > 0 {
		if r.left -= 1 + n/16; r.left <= 0 {
			r.problem(0, 0, "", "too large, or too many aliases")
		}
	}
	return r.left > 0
}

// mapping returns the entries of a mapping in their order, those of << behind
// the others. Nothing at all is an empty mapping, as in "webhook:".
func (r *reader) mapping(n *yaml.Node, path string) []entry {
	n = r.resolve(n)
	switch {
	case isNull(n):
		return nil
	case n.Kind != yaml.MappingNode:
		r.at(n, path, "keys with values are expected here, not %s", kindOf(n))
		return nil
	}
	seen := map[string]bool{}
	own, merged := r.collect(n, path, seen, 0)
	return append(own, merged...)
}

func (r *reader) collect(n *yaml.Node, path string, seen map[string]bool, depth int) (own, merged []entry) {
	var merge []*yaml.Node
	for i := 0; i+1 < len(n.Content) && r.spend(); i += 2 {
		key, val := r.resolve(n.Content[i]), n.Content[i+1]
		switch {
		case key.Kind != yaml.ScalarNode:
			r.at(key, path, "a key must be a word, not %s", kindOf(key))
		case key.ShortTag() == "!!merge" || key.Value == "<<" && key.Style == 0:
			merge = append(merge, val)
		case seen[key.Value] && depth == 0:
			r.at(key, path, "%s is here twice: remove one", quoteKey(key.Value))
		case !seen[key.Value]:
			seen[key.Value] = true
			own = append(own, entry{key.Value, key, val})
		}
	}
	for _, m := range merge {
		m = r.resolve(m)
		parts := []*yaml.Node{m}
		if m.Kind == yaml.SequenceNode {
			parts = m.Content
		}
		for _, part := range parts {
			if part = r.resolve(part); !r.spend() { // merges of merges grow by powers
				return own, merged
			}
			if part.Kind != yaml.MappingNode || depth == 10 {
				r.at(part, path, "<< takes in the keys of an alias, such as <<: *web")
				continue
			}
			a, b := r.collect(part, path, seen, depth+1)
			merged = append(append(merged, a...), b...)
		}
	}
	return own, merged
}

// scalar reads one value and puts the variables in; ok is false when it was
// complained of.
func (r *reader) scalar(n *yaml.Node, path string) (v value, ok bool) {
	n = r.resolve(n)
	if !r.spendBytes(len(n.Value)) {
		return v, false
	}
	switch {
	case isNull(n):
		r.at(n, path, "the value is missing: write one, or remove the key")
		return v, false
	case n.Kind != yaml.ScalarNode:
		r.at(n, path, "one value is expected here, not %s", kindOf(n))
		return v, false
	case !slices.Contains([]string{"!!str", "!!int", "!!float", "!!bool", "!!timestamp"}, n.ShortTag()):
		r.at(n, path, "a tag has no meaning here: remove what begins with !")
		return v, false
	case len(n.Value) > 64<<10:
		r.at(n, path, "longer than 64KiB")
		return v, false
	}
	text, used, offset, err := expand(n.Value, r.env)
	if err != nil {
		r.problem(n.Line, columnIn(n, offset), path, "%v", err)
		return v, false
	}
	return value{node: n, text: text, raw: n.Value, hidden: used}, true
}

// columnIn is the column of a place within a value. It is exact where the value
// is in the file as it is read; else it is where the value begins.
func columnIn(n *yaml.Node, offset int) int {
	switch {
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 || strings.ContainsAny(n.Value, "\n\"'\\"):
		return n.Column
	case n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		offset++
	}
	if offset > len(n.Value) {
		return n.Column + offset
	}
	return n.Column + utf8.RuneCountInString(n.Value[:offset])
}

func isNull(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" || n.Kind == 0
}

func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "keys with values"
	case yaml.SequenceNode:
		return "a list"
	}
	return "one value"
}
