package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aweigh/aweigh/internal/expect"
	"github.com/aweigh/aweigh/internal/nearest"
	"go.yaml.in/yaml/v4"
)

// readSection reads a mapping by a table. put takes over one value; within is
// the section of dotted keys that n is, "" for the whole.
func readSection[T any](r *reader, n *yaml.Node, path, within string, fields []field[T], put func(field[T], value) error) {
	given := map[string]bool{}
	for _, e := range r.mapping(n, path) {
		name := e.name
		if within != "" {
			name = within + "." + name
		}
		here := path + "." + e.name
		f, file, section := find(fields, name)
		switch {
		case strings.HasPrefix(e.name, "x-") && within == "":
			// Free for anchors, as in a compose file.
		case section:
			readSection(r, e.value, here, name, fields, put)
		case f == nil:
			r.at(e.key, path, "%s", unknownKey(e.name, names(fields, within)))
		case given[f.Name]:
			r.at(e.key, path, "%s and %s_file exclude each other: remove one", f.Name, f.Name)
		case file:
			given[f.Name] = true
			if v, ok := r.contents(e.value, here); ok {
				r.put(here, f.Key, v, func() error { return put(*f, v) })
			}
		default:
			given[f.Name] = true
			for _, v := range r.values(e.value, here, f.Many) {
				r.put(here, f.Key, v, func() error { return put(*f, v) })
			}
		}
	}
	for _, f := range fields {
		if f.Required && !given[f.Name] && within == "" {
			r.at(r.resolve(n), path, "%s is missing", f.Name)
		}
	}
}

// find looks a key up: as it is, as the _file of a secret, as a section.
func find[T any](fields []field[T], name string) (f *field[T], file, section bool) {
	for i := range fields {
		switch parent, _, dotted := fields[i].parent(); {
		case fields[i].Name == name:
			return &fields[i], false, false
		case fields[i].Secret && fields[i].Name+"_file" == name:
			return &fields[i], true, false
		case dotted && parent == name:
			return nil, false, true
		}
	}
	return nil, false, false
}

// names are the keys that may stand in a section, as they are written there.
func names[T any](fields []field[T], within string) []string {
	var known []string
	for _, f := range fields {
		name, rest, dotted := f.parent()
		if within != "" {
			if !dotted || name != within {
				continue
			}
			name = rest
		}
		if !slices.Contains(known, name) {
			known = append(known, name)
		}
		if f.Secret {
			known = append(known, name+"_file")
		}
	}
	return known
}

func unknownKey(name string, known []string) string {
	if best := nearest.Word(name, known); best != "" {
		return fmt.Sprintf("there is no key %s: did you mean %q?", quoteKey(name), best)
	}
	return fmt.Sprintf("there is no key %s: the keys here are %s", quoteKey(name), strings.Join(known, ", "))
}

// quoteKey repeats a key if it looks like one: text that slipped into the place
// of a key may be a secret.
func quoteKey(name string) string {
	for _, c := range name {
		if !isNameByte(byte(min(c, 0x7f)), false) && c != '-' && c != '.' {
			return "of this name"
		}
	}
	if name == "" || len(name) > 40 {
		return "of this name"
	}
	return `"` + name + `"`
}

// values reads one value, or a list of them where there may be one.
func (r *reader) values(n *yaml.Node, path string, many bool) []value {
	n = r.resolve(n)
	if n.Kind != yaml.SequenceNode || !many {
		v, ok := r.scalar(n, path)
		if !ok {
			return nil
		}
		return []value{v}
	}
	var all []value
	for i, item := range n.Content {
		if v, ok := r.scalar(item, fmt.Sprintf("%s[%d]", path, i)); ok {
			all = append(all, v)
		}
	}
	return all
}

// contents reads the file that a …_file key names.
func (r *reader) contents(n *yaml.Node, path string) (value, bool) {
	v, ok := r.scalar(n, path)
	if !ok {
		return v, false
	}
	file := r.beside(v.text)
	text, err := r.readFile(file)
	if err != nil {
		r.at(v.node, path, "%v", err)
		return v, false
	}
	return value{node: v.node, text: text, raw: v.raw, hidden: true, file: file}, true
}

// put takes a value over, and complains if it cannot be.
func (r *reader) put(path string, k Key, v value, put func() error) {
	err := put()
	if err == nil {
		return
	}
	var syntax *expect.SyntaxError
	switch {
	case errors.As(err, &syntax) && v.hidden:
		r.at(v.node, path, "with its variables put in this is not a valid expression")
	case errors.As(err, &syntax):
		r.problem(v.node.Line, columnIn(v.node, len(string([]rune(v.text)[:min(syntax.Column-1, len([]rune(v.text)))]))), path, "%s", syntax.Message)
	case v.hidden && k.Secret && k.Name == "probe":
		r.at(v.node, path, "with its variables put in this is not a probe such as http://:8080/health")
	case v.hidden || k.Secret:
		r.at(v.node, path, "%v", err)
	default:
		r.at(v.node, path, "%s: %v", quote(v.text), err)
	}
}
