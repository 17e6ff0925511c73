package web

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/record"
)

// seenRow is one thing that was seen of a start.
type seenRow struct {
	At    time.Time
	What  string
	Lines []string // of the output
}

// seen are the facts about one start and what its record says besides, in the
// order of time. The facts may reach into the start before and the next one.
func seen(s aweigh.Start, facts []aweigh.Fact, events []record.Event) []seenRow {
	var rows []seenRow
	said := map[string]bool{}
	for _, f := range factsOf(s, facts) {
		if f.Said != nil {
			said[f.Said.Event] = true
		}
		rows = append(rows, seenRow{f.At, factWords(f), f.Lines})
	}
	for _, e := range events {
		if e.Reason != "" && !said[e.Event] && e.Event != "start.failed" {
			rows = append(rows, seenRow{At: e.Time, What: e.Event + ": " + e.Reason})
		}
	}
	slices.SortStableFunc(rows, func(a, b seenRow) int { return cmp.Compare(a.At.UnixNano(), b.At.UnixNano()) })
	return rows
}

// sameStart is how far the fact that a start began may be from when it began.
const sameStart = 100 * time.Millisecond

// factsOf leaves out those about the start before and the next one.
func factsOf(s aweigh.Start, facts []aweigh.Fact) []aweigh.Fact {
	for n, f := range facts {
		if f.Kind != aweigh.FactStarted {
			continue
		}
		if f.At.Sub(s.Began).Abs() > sameStart { // somebody found it running: there is no such fact about it
			return facts[:n]
		}
		facts = facts[n:]
		if next := slices.IndexFunc(facts[1:], func(f aweigh.Fact) bool { return f.Kind == aweigh.FactStarted }); next >= 0 {
			facts = facts[:next+1]
		}
		break
	}
	return facts
}

// factWords is a fact in words.
func factWords(f aweigh.Fact) string {
	words := []string{string(f.Kind)}
	for _, word := range []string{f.Target, f.Signal} {
		if word != "" {
			words = append(words, word)
		}
	}
	if f.Kind == aweigh.FactAnswered {
		words = append(words, map[bool]string{true: "well", false: "badly"}[f.OK])
	}
	if f.Said != nil {
		words = append(words, f.Said.Event)
	}
	text := strings.Join(words, " ")
	if f.Exit != nil {
		text += fmt.Sprintf(", exit %d", f.Exit.Code)
	}
	if f.Reason != "" {
		text += ": " + f.Reason
	}
	return text
}
