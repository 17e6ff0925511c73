package probe

import (
	"errors"
	"fmt"
	"strings"
)

// splitWords cuts a command line as a shell does, by blanks, with '…', "…" and
// \; but there is no shell: nothing is expanded, and an operator of one, such as
// | or &&, is an error where it stands alone, since it would be an argument.
func splitWords(line string) ([]string, error) {
	if strings.ContainsRune(line, 0) {
		return nil, errors.New("there is a NUL in the command")
	}
	var words []string
	var word strings.Builder
	quote := byte(0)
	begun, plain := false, true // plain: nothing of the word was quoted
	end := func() error {
		if begun && plain && shellOperator(word.String()) {
			return fmt.Errorf("there is no shell, %s would be an argument: write exec:sh -c '…', or put it in quotes", word.String())
		}
		if begun {
			words = append(words, word.String())
		}
		word.Reset()
		begun, plain = false, true
		return nil
	}
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case quote == 0 && strings.IndexByte(" \t\r\n", c) >= 0:
			if err := end(); err != nil {
				return nil, err
			}
			continue
		case quote == 0 && (c == '\'' || c == '"'):
			quote, plain = c, false
		case c == quote:
			quote = 0
		case c == '\\' && quote != '\'':
			if i++; i == len(line) {
				return nil, errors.New("the command ends with a \\ that escapes nothing")
			}
			// Within "…" a shell keeps the \ before most characters.
			if quote == '"' && strings.IndexByte("\"\\$`\n", line[i]) < 0 {
				word.WriteByte('\\')
			}
			word.WriteByte(line[i])
			plain = false
		default:
			word.WriteByte(c)
		}
		begun = true
	}
	if quote != 0 {
		return nil, fmt.Errorf("a %c in the command is not closed", quote)
	}
	if err := end(); err != nil {
		return nil, err
	}
	if len(words) == 0 || words[0] == "" {
		return nil, errors.New("the command is missing: write it as exec:pg_isready -q")
	}
	return words, nil
}

func shellOperator(word string) bool {
	switch word {
	case "|", "||", "&", "&&", ";", ">", ">>", "<", "2>", "2>&1", ">/dev/null", "2>/dev/null":
		return true
	}
	return false
}

// joinWords writes words so that splitWords reads them again.
func joinWords(words []string) string {
	out := make([]string, len(words))
	for i, w := range words {
		if w == "" || strings.ContainsAny(w, " \t\r\n'\"\\") || shellOperator(w) {
			w = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
		out[i] = w
	}
	return strings.Join(out, " ")
}
