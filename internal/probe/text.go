package probe

import (
	"strings"
	"time"
	"unicode"
)

const (
	maxReason = 300 // characters of a Result's Reason
	maxQuote  = 80  // characters of what the other side said, within a reason
)

// oneLine bounds a text to so many characters and puts blanks for line ends and
// control characters: what a server says must not steer a terminal.
func oneLine(text string, most int) string {
	var b strings.Builder
	count := 0
	for _, c := range text {
		if count++; count > most {
			b.WriteString("…")
			break
		}
		if !unicode.IsPrint(c) {
			c = ' '
		}
		b.WriteRune(c)
	}
	return strings.TrimSpace(b.String())
}

// about is a duration as a person would say it: 3s, 52ms.
func about(d time.Duration) string {
	switch {
	case d >= time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d >= time.Millisecond:
		return d.Round(time.Millisecond).String()
	}
	return d.Round(time.Microsecond).String()
}
