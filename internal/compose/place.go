package compose

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// maxHops bounds the aliases and merges that are followed for one step of a
// path: a file may refer to itself.
const maxHops = 32

// Found is what a path leads to.
type Found struct {
	Source *Source
	Key    *yaml.Node // the key, or the item of a list
	Value  *yaml.Node // what is said there
	Depth  int        // how many steps of the path were found
}

// Place is where it is said.
func (f Found) Place() Place {
	if f.Key == nil {
		return Place{File: f.Source.Path, Line: 1, Column: 1}
	}
	return Place{File: f.Source.Path, Line: f.Key.Line, Column: f.Key.Column}
}

// At is the place of what a path of keys leads to: ("services", "web", "image").
// An item of a list is its number, or what it begins with before = or :. Where
// there is no such thing, it is the place of what would have it.
func (p *Project) At(path ...string) Place { return p.Find(path...).Place() }

// Find looks for what a path of keys leads to. The file that counts most and
// says it is taken; if none does, the one that says most of the path.
func (p *Project) Find(path ...string) Found {
	best := Found{Source: p.Sources[len(p.Sources)-1]}
	for i := len(p.Sources) - 1; i >= 0; i-- {
		if f := p.Sources[i].find(path); f.Depth > best.Depth {
			best = f
		}
	}
	return best
}

// Text is the scalar that a path leads to, as it was written: before variables
// were put in.
func (p *Project) Text(path ...string) (string, bool) {
	f := p.Find(path...)
	if f.Depth != len(path) || f.Value == nil || f.Value.Kind != yaml.ScalarNode {
		return "", false
	}
	return f.Value.Value, true
}

func (s *Source) find(path []string) Found {
	f := Found{Source: s, Value: s.root}
	for _, step := range path {
		key, value := child(f.Value, step, maxHops)
		if value == nil {
			break
		}
		f.Key, f.Value, f.Depth = key, value, f.Depth+1
	}
	return f
}

// child finds one step below a node.
func child(n *yaml.Node, step string, hops int) (key, value *yaml.Node) {
	if n = follow(n); n == nil || hops == 0 {
		return nil, nil
	}
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == step && n.Content[i].Kind == yaml.ScalarNode {
				return n.Content[i], n.Content[i+1]
			}
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value != "<<" {
				continue
			}
			merged := []*yaml.Node{n.Content[i+1]}
			if list := follow(merged[0]); list != nil && list.Kind == yaml.SequenceNode {
				merged = list.Content
			}
			for _, m := range merged {
				if key, value = child(m, step, hops-1); value != nil {
					return key, value
				}
			}
		}
	case yaml.SequenceNode:
		if i, err := strconv.Atoi(step); err == nil && i >= 0 && i < len(n.Content) {
			return n.Content[i], n.Content[i]
		}
		for _, item := range n.Content {
			if rest, ok := strings.CutPrefix(item.Value, step); ok && (rest == "" || rest[0] == '=' || rest[0] == ':') {
				return item, item
			}
		}
	}
	return nil, nil
}

// follow is what an alias stands for.
func follow(n *yaml.Node) *yaml.Node {
	for range maxHops {
		if n == nil || n.Kind != yaml.AliasNode {
			return n
		}
		n = n.Alias
	}
	return nil
}
