package config

import (
	"path"
	"strings"
)

// isPattern reports whether a name of services is more than a name.
func isPattern(name string) bool { return strings.ContainsAny(name, `*?[\`) }

// matches reports whether a row is about a service.
func matches(name, service string) bool {
	if name == service {
		return true
	}
	ok, err := path.Match(name, service)
	return ok && err == nil
}

// exact is more than any pattern can have: names are short.
const exact = 1 << 20

// specificity orders rows: a name before all patterns, among patterns the one
// that fixes more characters; of equals the later in the file wins.
func specificity(name string) int {
	if !isPattern(name) {
		return exact
	}
	fixed := 0
	for i := 0; i < len(name); i++ {
		switch name[i] {
		case '*':
			continue
		case '?':
			fixed++ // fixes the length at least
		case '[':
			// A class is one character out of some.
			if end := strings.IndexByte(name[i:], ']'); end > 0 {
				i += end
			}
			fixed += 2
		case '\\':
			i++
			fixed += 3
		default:
			fixed += 3
		}
	}
	return min(fixed, exact-1)
}
