package config

import (
	"slices"
	"strings"
)

// simpleCommand cuts the line of a CMD-SHELL into words if it is one plain
// command, which may discard its output and may end in "|| exit 1". All else
// that a shell would act upon (variables, pipes, lists, globs, substitution)
// makes it nil. Nothing is evaluated.
func simpleCommand(line string) []string {
	words, ok := shellWords(line)
	if !ok {
		return nil
	}
	// What makes of a failure another failure.
	if i := slices.IndexFunc(words, func(w shellWord) bool { return w.is("||") }); i >= 0 {
		tail := words[i+1:]
		words = words[:i]
		exit := len(tail) == 2 && tail[0].is("exit") && len(tail[1].text) <= 3 && strings.Trim(tail[1].text, "0123456789") == "" && strings.Trim(tail[1].text, "0") != ""
		bare := len(tail) == 1 && (tail[0].is("false") || tail[0].is("exit"))
		if !exit && !bare {
			return nil
		}
	}
	var argv []string
	for i := 0; i < len(words); i++ {
		w := words[i]
		switch {
		case w.is(">/dev/null"), w.is("1>/dev/null"), w.is("2>/dev/null"), w.is("&>/dev/null"), w.is("2>&1"), w.is(">&2"), w.is("1>&2"):
		case (w.is(">") || w.is("1>") || w.is("2>") || w.is("&>")) && i+1 < len(words) && words[i+1].is("/dev/null"):
			i++
		case !w.quoted && (strings.ContainsAny(w.text, "|&;<>()*?[]~#!") || strings.Contains(w.text, "{") || argv == nil && strings.Contains(w.text, "=")):
			// A ? in an unquoted URL is a glob by the book, and in practice
			// matches no file and stays as it is.
			if !strings.ContainsAny(w.text, "|&;<>()*[]~#!{") && strings.Contains(w.text, "://") {
				argv = append(argv, w.text)
				continue
			}
			return nil
		default:
			argv = append(argv, w.text)
		}
	}
	return argv
}

type shellWord struct {
	text   string
	quoted bool // some of it was quoted, so that it is no operator
}

func (w shellWord) is(operator string) bool { return !w.quoted && w.text == operator }

// shellWords cuts at blanks, with quotes. It refuses what is expanded even
// within double quotes, and all escapes: rare, and easily got wrong. A word
// that is quoted in part is refused if the rest has something special.
func shellWords(line string) (words []shellWord, ok bool) {
	var b, bare strings.Builder
	begun, quoted, quote := false, false, byte(0)
	end := func() bool {
		if begun {
			if quoted && strings.ContainsAny(bare.String(), "|&;<>()*?[]~#!{}") {
				return false
			}
			words = append(words, shellWord{b.String(), quoted})
		}
		b.Reset()
		bare.Reset()
		begun, quoted = false, false
		return true
	}
	for i := range len(line) {
		c := line[i]
		switch {
		case c == '\\' && quote != '\'', (c == '$' || c == '`') && quote != '\'', c < ' ' && c != '\t', c == 0x7f:
			return nil, false
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			b.WriteByte(c)
		case c == '\'' || c == '"':
			quote, quoted, begun = c, true, true
		case c == ' ' || c == '\t':
			if !end() {
				return nil, false
			}
		default:
			b.WriteByte(c)
			bare.WriteByte(c)
			begun = true
		}
	}
	return words, quote == 0 && end()
}
