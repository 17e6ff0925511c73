package lint

import (
	"slices"
	"strings"
)

// A finding that is meant is allowed by a comment, on its line, on the line
// before, or on the line of the service it is about:
//
//	image: example/web:latest  # aweigh: allow floating-tag (it is a demo)
const allowMark = "aweigh: allow "

// allowed reports whether a comment allows a finding.
func (p *project) allowed(f Finding) bool {
	if f.Line == 0 {
		return false
	}
	for _, s := range p.Project.Sources {
		if s.Path == f.File && allows(s.Lines(), f.Line, f.Rule) {
			return true
		}
	}
	for _, name := range f.Services {
		s := p.byName[name]
		if s == nil {
			continue
		}
		if d := s.dockerfile; d != nil && d.Path == f.File && allows(d.Lines, f.Line, f.Rule) {
			return true
		}
		at := s.at()
		for _, source := range p.Project.Sources {
			if source.Path == at.File && allows(source.Lines(), at.Line, f.Rule) {
				return true
			}
		}
	}
	return false
}

// allows looks at a line, and at the comments just before it.
func allows(lines []string, line int, rule string) bool {
	for n := line - 1; n >= 0 && n < len(lines); n-- {
		if n < line-1 && !strings.HasPrefix(strings.TrimSpace(lines[n]), "#") {
			return false
		}
		_, comment, ok := strings.Cut(lines[n], "#")
		if !ok {
			continue
		}
		if _, ids, ok := strings.Cut(comment, allowMark); ok {
			ids, _, _ = strings.Cut(ids, "(")
			if slices.Contains(strings.FieldsFunc(ids, func(c rune) bool { return c == ',' || c == ' ' }), rule) {
				return true
			}
		}
	}
	return false
}
