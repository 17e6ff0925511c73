package lint

import (
	"fmt"
	"strings"
	"time"

	"github.com/aweigh/aweigh/internal/record"
)

// quote writes a text of the files into a message.
func quote(s string) string {
	if len(s) > 120 {
		s = s[:120] + "…"
	}
	return record.Printable(s)
}

func quotes(all []string) string {
	words := make([]string, len(all))
	for i, s := range all {
		words[i] = quote(s)
	}
	return listed(words)
}

// listed writes a, b and c.
func listed(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

func numbers(all []int) string {
	words := make([]string, len(all))
	for i, n := range all {
		words[i] = fmt.Sprint(n)
	}
	return listed(words)
}

// human writes a duration as compose files do: 90s is 1m30s.
func human(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		d = d.Round(time.Second)
	case d >= time.Second:
		d = d.Round(100 * time.Millisecond)
	default:
		d = d.Round(time.Millisecond)
	}
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// size writes a size.
func size(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d KiB", n>>10)
}
