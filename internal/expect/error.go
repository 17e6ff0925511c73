package expect

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
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

// nearest returns the known name that was probably meant, with a leading text
// to append to a message; nothing when none is near.
func nearest(name string, known []string) string {
	best, bestAt := "", 3
	for _, k := range known {
		d := distance(strings.ToLower(name), strings.ToLower(k))
		if d < bestAt && 3*d <= len(k)+1 {
			best, bestAt = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(": did you mean %q?", best)
}

// distance is the number of single characters to change, add, drop or swap
// with their neighbour to make b of a; names longer than any known one are far.
func distance(a, b string) int {
	if len(a) > 2*len(b)+4 {
		return len(a)
	}
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		for j := range rows[i] {
			switch {
			case i == 0 || j == 0:
				rows[i][j] = i + j
				continue
			case a[i-1] == b[j-1]:
				rows[i][j] = rows[i-1][j-1]
			default:
				rows[i][j] = 1 + min(rows[i-1][j-1], rows[i-1][j], rows[i][j-1])
			}
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
