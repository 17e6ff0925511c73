package web

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/aweigh/aweigh/internal/record"
)

// output is a part of what a start printed.
type output struct {
	Lines []record.Line
	Next  int64 // where to go on
	Size  int64
	Earlier,
	Later int64 // offsets of the neighbouring parts; -1 for none
	Query  string
	Stream string
	// Cut says that there are more lines that match than are shown.
	Cut bool
	// Tail says that it is the end of the output, which a live page goes on with.
	Tail bool
}

// linesOfPage is how many lines of output a page has, and partSize how many bytes
// are read for the last of them.
const (
	linesOfPage = 400
	partSize    = 48 << 10
)

// outputOf reads the part that a page is asked for: the end, unless it is told
// from where on (at), what to look for (q), or from which stream (stream).
func outputOf(rec *record.Record, q url.Values, live bool) output {
	o := output{Query: q.Get("q"), Stream: q.Get("stream"), Size: rec.OutputSize(), Earlier: -1, Later: -1}
	at, err := strconv.ParseInt(q.Get("at"), 10, 64)
	switch {
	case o.Query != "" || o.Stream == "stdout" || o.Stream == "stderr":
		o.Lines, o.Next, _ = rec.Lines(0, linesOfPage+1, o.wants)
		if o.Cut = len(o.Lines) > linesOfPage; o.Cut {
			o.Lines = o.Lines[:linesOfPage]
		}
		return o
	case err == nil && at >= 0:
		o.Lines, o.Next, _ = rec.Lines(min(at, o.Size), linesOfPage, nil)
	default:
		at = rec.LineBefore(-1, partSize)
		o.Lines, o.Next, _ = rec.Lines(at, 100*linesOfPage, nil)
		if extra := len(o.Lines) - linesOfPage; extra > 0 {
			o.Lines = o.Lines[extra:]
			at = o.Lines[0].Offset
		}
	}
	if at > 0 {
		o.Earlier = rec.LineBefore(at, partSize)
	}
	if n := len(o.Lines); n > 0 && o.Next < o.Size && !o.Lines[n-1].Open {
		o.Later = o.Next
	}
	o.Tail = o.Later < 0
	return o
}

func (o output) wants(l record.Line) bool {
	return (o.Stream == "" || l.Stream == o.Stream) && (o.Query == "" || strings.Contains(strings.ToLower(l.Text), strings.ToLower(o.Query)))
}

// printable is record.Plain of each line.
func printable(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = record.Plain(strings.TrimRight(lines[i], "\r"))
	}
	return strings.Join(lines, "\n")
}
