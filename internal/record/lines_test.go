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

// A segment ends wherever its bound is: a line that went on in the next one was two, of
// which the first counted as the end of the output, and a search found neither.
func TestALineThatGoesOnInTheNextSegmentIsOne(t *testing.T) {
	dir, id := t.TempDir(), aweigh.NewID(time.Now())
	begin := Event{Service: "web", Start: id}
	for _, part := range []string{"one\ntw", "o", "\nthree\n", "half"} {
		rec := Resume(dir, begin, time.Now(), 1<<20, nil)
		rec.Output(Stdout, []byte(part))
		rec.Close(5 * time.Second)
	}
	d, r, err := Of(dir, aweigh.Start{ID: id, Service: "web"})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	text := func(from int64, n int) (all string, next int64) {
		lines, next, err := r.Lines(from, n, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range lines {
			all += l.Text + ";"
		}
		return all, next
	}
	if all, next := text(0, 9); all != "one;two;three;half;" || next != 14 {
		t.Errorf("%q, next %d", all, next)
	}
	if all, next := text(0, 2); all != "one;two;" || next != 8 {
		t.Errorf("%q, next %d", all, next)
	}
	// Where one is missing, nothing is joined over the hole.
	if err := d.root.Remove(r.Name + "/output-1.log"); err != nil {
		t.Fatal(err)
	}
	if all, next := text(0, 9); all != "one;tw;;three;half;" || next != 14 {
		t.Errorf("with a hole: %q, next %d", all, next)
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
