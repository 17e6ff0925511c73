package record

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Index reads the record's time index, in order. Entries that cannot be read
// are left out.
func (r *Record) Index() []IndexEntry {
	f, err := r.open("output.idx")
	if err != nil {
		return nil
	}
	defer f.Close()
	var entries []IndexEntry
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var e IndexEntry
		if json.Unmarshal(lines.Bytes(), &e) == nil && e.Offset >= 0 {
			entries = append(entries, e)
		}
	}
	return entries
}

// Segment is a part of a record's output that is still there.
type Segment struct {
	Name   string
	Offset int64 // of its first byte in all of the output
	Size   int64
}

// Segments lists the record's output files in the order in which they were
// written. Between output.log and the rest there may be a hole: the beginning
// and the end are kept.
func (r *Record) Segments() []Segment {
	begins := map[string]int64{segmentName(0): 0}
	for _, e := range r.Index() {
		if e.File != "" {
			begins[e.File] = e.Offset
		}
	}
	var segments []Segment
	for _, f := range r.Files() {
		if at, ok := begins[f.Name()]; ok {
			segments = append(segments, Segment{f.Name(), at, f.Size()})
		}
	}
	slices.SortFunc(segments, func(a, b Segment) int { return cmp.Compare(a.Offset, b.Offset) })
	return segments
}

// CopyOutput writes the output between two offsets to w, as it was printed;
// to < 0 means to the end. It returns the offset after the last byte written.
func (r *Record) CopyOutput(w io.Writer, from, to int64) (int64, error) {
	for _, s := range r.Segments() {
		end := s.Offset + s.Size
		if end <= from || to >= 0 && s.Offset >= to {
			continue
		}
		from = max(from, s.Offset)
		if to >= 0 {
			end = min(end, to)
		}
		n, err := r.copyFile(w, s.Name, from-s.Offset, end-from)
		from += n
		if err != nil {
			return from, err
		}
	}
	return from, nil
}

func (r *Record) copyFile(w io.Writer, name string, at, n int64) (int64, error) {
	f, err := r.open(name)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return 0, nil // rotated away meanwhile
		}
		return 0, err
	}
	defer f.Close()
	return io.Copy(w, io.NewSectionReader(f, at, n))
}

const apart = 5 * time.Millisecond

// Between returns the offsets of the output that came from the moment `from`
// to the moment `to`, by the time index. A zero to means to the end, for which
// the second offset is -1.
func (r *Record) Between(from, to time.Time) (begin, end int64) {
	// What a service says and what it prints come to us by different ways, a
	// little apart.
	from = from.Add(-apart)
	begin, end = 0, -1
	found := false
	for _, e := range r.Index() {
		if !found && !e.Time.Before(from) {
			begin, found = e.Offset, true
		}
		if !to.IsZero() && e.Time.After(to) {
			end = e.Offset
			break
		}
	}
	if !found && len(r.Index()) > 0 {
		begin = r.OutputSize() // all of it came before
	}
	return begin, end
}

// OutputSize is how many bytes the service printed, kept or not.
func (r *Record) OutputSize() int64 {
	segments := r.Segments()
	if len(segments) == 0 {
		return 0
	}
	last := segments[len(segments)-1]
	return last.Offset + last.Size
}

// Tail returns the last lines of the output, at most n, without their ends.
func (r *Record) Tail(n int) []string {
	size := r.OutputSize()
	var b strings.Builder
	r.CopyOutput(&b, max(0, size-64<<10), -1)
	return LastLines(b.String(), n)
}

// LastLines returns the last n non-empty lines of text, each cut at 500 bytes
// and made printable.
func LastLines(text string, n int) []string {
	all := strings.Split(strings.TrimRight(text, "\r\n \t\x00"), "\n")
	var lines []string
	for i := len(all) - 1; i >= 0 && len(lines) < n; i-- {
		line := strings.TrimRight(all[i], "\r \t")
		if line == "" {
			continue
		}
		if len(line) > 500 {
			line = line[:500] + "…"
		}
		lines = append(lines, Printable(line))
	}
	slices.Reverse(lines)
	return lines
}

// Printable escapes what a terminal would act on, so that a service's output
// cannot forge Aweigh's own lines. A tab stays.
func Printable(line string) string {
	clean := func(c rune) bool { return c == '\t' || c == '\uFFFD' || strconv.IsPrint(c) }
	if strings.IndexFunc(line, func(c rune) bool { return !clean(c) }) < 0 && !strings.ContainsRune(line, '\uFFFD') {
		return line
	}
	var b strings.Builder
	for _, c := range strings.ToValidUTF8(line, "\uFFFD") {
		if clean(c) {
			b.WriteRune(c)
		} else {
			b.WriteString(strings.Trim(strconv.QuoteRune(c), "'"))
		}
	}
	return b.String()
}

// Follow copies the output from an offset on until the record is closed or
// stop says so, looking for more every so often.
func (r *Record) Follow(w io.Writer, from int64, every time.Duration, stop func() bool) (int64, error) {
	for {
		live := r.Live()
		at, err := r.CopyOutput(w, from, -1)
		if err != nil || !live || stop() {
			return at, err
		}
		if at == from {
			time.Sleep(every)
		}
		from = at
	}
}

// PhaseWindow returns when a phase of the start began and ended; a zero end
// means that it had not. ok is false when there was no such phase.
func (r *Record) PhaseWindow(name string) (from, to time.Time, ok bool) {
	events, _ := r.Events()
	for _, e := range events {
		switch {
		case !ok && e.Event == StartPhase && e.Phase == name:
			from, ok = e.Time, true
		case ok && (e.Event == StartPhase || e.Event == StartReady || e.Event == StartFailed):
			return from, e.Time, true
		}
	}
	return from, time.Time{}, ok
}

// Remove deletes the record, and nothing outside of it.
func (r *Record) Remove() error { return r.dir.root.RemoveAll(r.Name) }

// Size is what the record takes on the disk, in bytes.
func (r *Record) Size() int64 {
	var n int64
	for _, f := range r.Files() {
		n += f.Size()
	}
	return n
}
