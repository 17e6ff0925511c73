package expect

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/aweigh/aweigh/internal/nearest"
)

// SyntaxError is an expression that cannot be understood.
type SyntaxError struct {
	Source  string
	Column  int // in characters, the first is 1
	Message string
}

// Error names the column, says what is wrong and shows the place:
//
//	column 1: unknown name "statsu": did you mean "status"?
//	    statsu == 200
//	    ^
func (e *SyntaxError) Error() string {
	line, caret := e.excerpt()
	return fmt.Sprintf("column %d: %s\n    %s\n    %s^", e.Column, e.Message, line, strings.Repeat(" ", caret))
}

// excerpt returns what is around the column, on one line, and how many
// characters of it come before the column.
func (e *SyntaxError) excerpt() (line string, before int) {
	const around = 60
	chars := []rune(strings.ToValidUTF8(e.Source, "\uFFFD"))
	at := min(e.Column-1, len(chars))
	from, to := max(0, at-around), min(len(chars), at+around)
	for i, c := range chars {
		if !unicode.IsPrint(c) {
			chars[i] = ' '
		}
	}
	line, before = string(chars[from:to]), at-from
	if from > 0 {
		line, before = "…"+line, before+1
	}
	if to < len(chars) {
		line += "…"
	}
	return line, before
}

// syntaxError is an error at a byte offset.
func syntaxError(src string, offset int, format string, args ...any) error {
	return &SyntaxError{
		Source:  src,
		Column:  utf8.RuneCountInString(src[:offset]) + 1,
		Message: fmt.Sprintf(format, args...),
	}
}

// didYouMean is the known name that was probably meant, as the end of a message;
// nothing when none is near.
func didYouMean(name string, known []string) string {
	if best := nearest.Word(name, known); best != "" {
		return fmt.Sprintf(": did you mean %q?", best)
	}
	return ""
}
