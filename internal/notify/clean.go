package notify

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	longestLine  = 400 // characters of one line of evidence, or of a title
	longestCount = 40  // lines of evidence
)

// escapes are what terminals obey: CSI and OSC sequences, and the rest of
// ECMA-48's two-character ones.
var escapes = regexp.MustCompile("\x1b\\[[0-?]*[ -/]*[@-~]|\x1b[\\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\\\)?|\x1b[ -/]*[0-~]|\u009b[0-?]*[ -/]*[@-~]")

// oneLine makes text that came from anywhere (a log, a label, a name) harmless
// in a line of a message, a subject, a header or an environment variable: one
// line, valid UTF-8, no terminal escapes, no control characters, nothing that
// turns the direction of writing around, and not endless.
func oneLine(s string) string {
	if len(s) > 4*longestLine*2 { // before anything that takes time
		s = s[:4*longestLine*2]
	}
	s = escapes.ReplaceAllString(strings.ToValidUTF8(s, "\uFFFD"), "")
	var b strings.Builder
	space := false
	for _, r := range s {
		switch {
		case r == '\n' || r == '\r' || r == '\t' || unicode.IsSpace(r) || r == '\u2028' || r == '\u2029':
			space = true
			continue
		case unicode.IsControl(r), invisible(r):
			continue
		}
		if space && b.Len() > 0 {
			b.WriteByte(' ')
		}
		space = false
		b.WriteRune(r)
	}
	return first(b.String(), longestLine)
}

// logLine is oneLine for a line of output, where columns matter.
func logLine(s string) string {
	if len(s) > 4*longestLine*2 {
		s = s[:4*longestLine*2]
	}
	s = escapes.ReplaceAllString(strings.ToValidUTF8(s, "\uFFFD"), "")
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case unicode.IsControl(r), invisible(r), r == '\u2028', r == '\u2029':
			return -1
		}
		return r
	}, s)
	return first(strings.TrimRight(s, " "), longestLine)
}

// logLines are the lines of evidence. One that holds a newline is several.
func logLines(lines []string) []string {
	var all []string
	for _, line := range lines {
		for part := range strings.SplitSeq(strings.TrimRight(line, "\r\n"), "\n") {
			all = append(all, logLine(part))
		}
	}
	if over := len(all) - longestCount; over > 0 {
		all = all[over:]
	}
	return all
}

// invisible are characters that show nothing and change what is shown.
func invisible(r rune) bool {
	return r == '\u200e' || r == '\u200f' || r == '\u061c' || r == '\ufeff' ||
		r >= '\u202a' && r <= '\u202e' || r >= '\u2060' && r <= '\u206f'
}

// calm keeps chat services from reading a line as a call for everybody
// (@everyone, <!channel>), as a link or a person: an invisible space goes
// behind the characters that begin those.
var calm = strings.NewReplacer("@", "@\u200b", "<", "<\u200b")

func first(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most-1]) + "…"
}

func last(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	r := []rune(s)
	return "…" + string(r[len(r)-most+1:])
}
