package config

import (
	"errors"
	"fmt"
	"strings"
)

// expand puts variables into a value: ${NAME}, ${NAME:-default} where NAME is
// unset or empty, and $$ for the sign itself. Nothing else is special, so that
// regular expressions and SQL ($1) stay as they are; $NAME is an error, since
// it was meant to be a variable. at is the offset of what is wrong.
func expand(s string, env func(string) (string, bool)) (out string, used bool, at int, err error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '$' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		switch c := s[i+1]; {
		case c == '$':
			b.WriteByte('$')
			i++
		case c == '{':
			end := strings.IndexByte(s[i:], '}')
			if end < 0 {
				return "", true, i, errors.New("a ${ is not closed: write ${NAME}, or $${ for the text itself")
			}
			value, err := variable(s[i+2:i+end], env)
			if err != nil {
				return "", true, i, err
			}
			b.WriteString(value)
			used = true
			i += end
		case isNameByte(c, true):
			return "", true, i, errors.New("a variable is written ${NAME}; write $$ for the sign itself")
		default:
			b.WriteByte('$')
		}
		if b.Len() > maxFile {
			return "", true, i, errors.New("the variables make it longer than 1MiB")
		}
	}
	return b.String(), used, 0, nil
}

// variable is what stands for NAME or NAME:-default.
func variable(s string, env func(string) (string, bool)) (string, error) {
	name, fallback, has := strings.Cut(s, ":-")
	for i := range len(name) {
		if !isNameByte(name[i], i == 0) {
			return "", errors.New("not a variable: write ${NAME} or ${NAME:-default}")
		}
	}
	switch value, ok := env(name); {
	case name == "":
		return "", errors.New("the variable has no name: write ${NAME}")
	case strings.Contains(fallback, "${"):
		return "", errors.New("a default cannot have a variable in it")
	case has && value == "":
		return fallback, nil
	case !ok:
		return "", fmt.Errorf("the variable %s is not set: set it, or write ${%s:-default}", name, name)
	default:
		return value, nil
	}
}

func isNameByte(c byte, first bool) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || !first && c >= '0' && c <= '9'
}
