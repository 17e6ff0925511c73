package lint

import (
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/aweigh/aweigh/internal/compose"
)

// edit is one change of the text of a file: the words of a person, their order
// and their comments stay.
type edit struct {
	file   string
	line   int    // from 1
	column int    // from 1, in characters; 0 inserts a line after this one
	old    string // what stands at column; may be empty
	new    string
}

// sameKey reports whether another edit sets the same key at the same place.
func (e edit) sameKey(other edit) bool {
	key, _, _ := strings.Cut(e.new, ":")
	otherKey, _, added := strings.Cut(other.new, ":")
	return e.file == other.file && e.line == other.line && e.column == other.column && (key == otherKey || !added)
}

// time is what a "key: 30s" or a "30s" sets; 0 if that is no time.
func (e edit) time() time.Duration {
	value := strings.TrimSuffix(e.new, ", ")
	d, _ := time.ParseDuration(value[strings.LastIndexByte(value, ' ')+1:])
	return d
}

// add puts a "key: value" into the mapping of the service.
func (s *service) add(text string) *edit { return s.addTo(text, s.path()...) }

// addToHealthcheck puts a "key: value" into its health check, if the compose
// file has one.
func (s *service) addToHealthcheck(text string) *edit {
	if !s.says("healthcheck") {
		return nil
	}
	return s.addTo(text, s.path("healthcheck")...)
}

func (s *service) addTo(text string, path ...string) *edit {
	f := s.p.Project.Find(path...)
	n := f.Value
	if n != nil && n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if f.Depth != len(path) || n == nil || n.Kind != yaml.MappingNode || len(n.Content) == 0 {
		return nil
	}
	if n.Style&yaml.FlowStyle != 0 {
		return at(f.Source, n, "{", "{"+text+", ")
	}
	column := n.Content[0].Column
	last := n.Content[len(n.Content)-2]
	return &edit{file: f.Source.Path, line: blockEnd(f.Source.Lines(), last.Line, column), new: strings.Repeat(" ", column-1) + text}
}

// blockEnd is the last line of the value of a key in a block mapping: what
// follows the key and is deeper, is an item of its list or closes its bracket.
func blockEnd(lines []string, keyLine, column int) int {
	end := keyLine
	for n := keyLine; n < len(lines); n++ { // the line after the key's
		text := strings.TrimRight(lines[n], " \t\r")
		if text == "" {
			continue
		}
		indent := len(text) - len(strings.TrimLeft(text, " "))
		switch rest := text[indent:]; {
		case indent >= column:
		case rest[0] == '#': // the value may go on below it
			continue
		case indent == column-1 && (strings.HasPrefix(rest, "- ") || rest == "-" || rest[0] == '}' || rest[0] == ']'):
		default:
			return end
		}
		end = n + 1
	}
	return end
}

// replace puts another value in the place of a scalar. It is nil where the value
// is not plainly there: an alias, a variable, more than one line.
func (s *service) replace(value string, path ...string) *edit {
	path = s.path(path...)
	f := s.p.Project.Find(path...)
	if f.Depth != len(path) || f.Value == nil || f.Value.Kind != yaml.ScalarNode || compose.HasVariable(f.Value.Value) {
		return nil
	}
	old := f.Value.Value
	switch {
	case f.Value.Style&yaml.DoubleQuotedStyle != 0:
		old = `"` + old + `"`
	case f.Value.Style&yaml.SingleQuotedStyle != 0:
		old = "'" + old + "'"
	}
	return at(f.Source, f.Value, old, value)
}

// at is a change of what stands at a node; nil if it does not stand there so.
func at(source *compose.Source, n *yaml.Node, old, new string) *edit {
	lines := source.Lines()
	if n.Line < 1 || n.Line > len(lines) {
		return nil
	}
	runes := []rune(lines[n.Line-1])
	if n.Column < 1 || n.Column > len(runes) || !strings.HasPrefix(string(runes[n.Column-1:]), old) {
		return nil
	}
	return &edit{file: source.Path, line: n.Line, column: n.Column, old: old, new: new}
}

// dependOnHealthy makes a mapping of a list of dependencies on one line: [db].
// A list of several lines, with its comments, is left to a person.
func (s *service) dependOnHealthy() *edit {
	path := s.path("depends_on")
	f := s.p.Project.Find(path...)
	n := f.Value
	if f.Depth != len(path) || n == nil || n.Kind != yaml.SequenceNode || n.Style&yaml.FlowStyle == 0 {
		return nil
	}
	var items []string
	for _, item := range n.Content {
		if item.Kind != yaml.ScalarNode || item.Line != n.Line || compose.HasVariable(item.Value) {
			return nil
		}
		condition := "service_started"
		if other := s.p.byName[item.Value]; other != nil && other.health.there() {
			condition = "service_healthy"
		}
		items = append(items, item.Value+": {condition: "+condition+"}")
	}
	lines := f.Source.Lines()
	runes := []rune(lines[n.Line-1])
	text := string(runes[n.Column-1:])
	end := strings.IndexByte(text, ']')
	if end < 0 || len(strings.Split(text[:end], ",")) != len(items) {
		return nil
	}
	return at(f.Source, n, text[:end+1], "{"+strings.Join(items, ", ")+"}")
}
