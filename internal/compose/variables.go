package compose

import (
	"strings"

	"go.yaml.in/yaml/v4"
)

// Variable is a use of a variable that has no value.
type Variable struct {
	Name     string
	Required bool   // ${NAME:?why}: compose refuses to go on
	Why      string // what the file says for that
	Place    Place
}

// unset lists the variables that have neither a value nor a default, each at its
// first place.
func unset(sources []*Source, env map[string]string) []Variable {
	var all []Variable
	index := map[string]int{}
	for _, s := range sources {
		walk(s.root, maxHops, func(n *yaml.Node) {
			for _, v := range uses(n.Value, env) {
				if value, ok := env[v.Name]; ok && (value != "" || !v.Required) {
					continue
				}
				v.Place = Place{File: s.Path, Line: n.Line, Column: n.Column}
				if i, ok := index[v.Name]; ok {
					if v.Required && !all[i].Required {
						all[i] = v
					}
					continue
				}
				index[v.Name] = len(all)
				all = append(all, v)
			}
		})
	}
	return all
}

// walk gives each scalar value; keys are not interpolated.
func walk(n *yaml.Node, depth int, give func(*yaml.Node)) {
	if n == nil || depth == 0 {
		return
	}
	switch n.Kind {
	case yaml.ScalarNode:
		give(n)
	case yaml.SequenceNode:
		for _, item := range n.Content {
			walk(item, depth-1, give)
		}
	case yaml.MappingNode:
		for i := 1; i < len(n.Content); i += 2 {
			walk(n.Content[i], depth-1, give)
		}
	}
}

// uses lists the variables of a text that have no default there: $NAME,
// ${NAME}, ${NAME:?why}, ${NAME?why}, and those in a default or an alternative
// (${NAME:-…}, ${NAME:+…}) that is taken. A $$ is a dollar.
func uses(text string, env map[string]string) []Variable {
	var all []Variable
	for i := 0; i < len(text); i++ {
		if text[i] != '$' || i+1 == len(text) {
			continue
		}
		if text[i+1] == '$' {
			i++
			continue
		}
		at := i + 1
		braced := text[at] == '{'
		if braced {
			at++
		}
		rest := text[at:]
		n := 0
		for n < len(rest) && (rest[n] == '_' || rest[n] >= 'a' && rest[n] <= 'z' || rest[n] >= 'A' && rest[n] <= 'Z' || n > 0 && rest[n] >= '0' && rest[n] <= '9') {
			n++
		}
		if n == 0 {
			continue
		}
		v := Variable{Name: rest[:n]}
		if !braced {
			all = append(all, v)
			continue
		}
		how, colon := strings.CutPrefix(rest[n:], ":")
		value, set := env[v.Name]
		set = set && (value != "" || !colon)
		switch {
		case strings.HasPrefix(how, "}"):
			all = append(all, v)
		case strings.HasPrefix(how, "?"):
			v.Required = true
			v.Why, _, _ = strings.Cut(how[1:], "}")
			all = append(all, v)
		case strings.HasPrefix(how, "-") && set, strings.HasPrefix(how, "+") && !set:
			i = at + closing(rest) // what stands there is not taken
		}
	}
	return all
}

// closing is where the brace is that closes one which is open, or the end.
func closing(text string) int {
	open := 1
	for i := range len(text) {
		switch text[i] {
		case '{':
			open++
		case '}':
			if open--; open == 0 {
				return i
			}
		}
	}
	return len(text)
}

// HasVariable reports whether a text takes something from a variable.
func HasVariable(text string) bool {
	text = strings.ReplaceAll(text, "$$", "")
	return strings.Contains(text, "$")
}
