package record

import (
	"strings"
	"testing"
	"time"

	"github.com/aweigh/aweigh"
)

func recorded(t *testing.T, chunks ...string) *Record {
	t.Helper()
	dir, id := t.TempDir(), aweigh.NewID(time.Now())
	rec := Begin(dir, Event{Service: "web", Start: id}, time.Now(), 1<<20, func(string) {})
	for i, c := range chunks {
		rec.Output([]Stream{Stdout, Stderr}[i%2], []byte(c))
	}
	rec.Event(Event{Event: StartFailed, Verdict: aweigh.Crashed})
	rec.Close(5 * time.Second)
	d, r, err := Of(dir, aweigh.Start{ID: id, Service: "web"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return r
}

func TestLinesHaveTheirStreamAndWhereToGoOn(t *testing.T) {
	r := recorded(t, "one\ntwo\n", "bad\n", "\x1b[31mred\x1b[0m\x1b]0;title\x07\nhalf")
	lines, next, err := r.Lines(0, 2, nil)
	if err != nil || len(lines) != 2 || next != 8 {
		t.Fatalf("%v, next %d, %v", lines, next, err)
	}
	lines, next, _ = r.Lines(next, 10, nil)
	if len(lines) != 3 || lines[0].Text != "bad" || lines[0].Stream != "stderr" || lines[0].Time.IsZero() {
		t.Fatalf("%+v", lines)
	}
	if lines[1].Text != `red\x1b]0;title\a` {
		t.Errorf("a terminal's colours go, what else it would obey is shown: %q", lines[1].Text)
	}
	if last := lines[2]; !last.Open || last.Text != "half" || next != last.Offset {
		t.Errorf("a line without its end is open, and read again: %+v, next %d", last, next)
	}
}

func TestALineOfAMegabyteIsCut(t *testing.T) {
	r := recorded(t, strings.Repeat("x", 300_000)+"\nshort\n")
	lines, _, _ := r.Lines(0, 10, nil)
	if len(lines) != 2 || len(lines[0].Text) > maxLine+8 || lines[1].Text != "short" || lines[1].Offset != 300_001 {
		t.Fatalf("%d lines, the first of %d bytes", len(lines), len(lines[0].Text))
	}
}

func TestLineBeforeBeginsWithALine(t *testing.T) {
	r := recorded(t, strings.Repeat("0123456789\n", 1000))
	if at := r.LineBefore(-1, 105); at%11 != 0 || at < 11_000-105-11 || at > 11_000-88 {
		t.Errorf("at %d", at)
	}
	if at := r.LineBefore(-1, 1<<20); at != 0 {
		t.Errorf("all of it begins at %d", at)
	}
}
