package record

import (
	"bufio"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/aweigh/aweigh"
)

// Line is one line of a record's output, made printable.
type Line struct {
	Offset int64     `json:"offset"` // of its first byte in all of the output
	Time   time.Time `json:"time"`   // by the time index, to its grain
	Stream string    `json:"stream"` // stdout, stderr
	Text   string    `json:"text"`
	// Open says that its end has not come yet: a prompt, or half of a line.
	Open bool `json:"open,omitempty"`
}

// maxLine is how much of a line is kept, in bytes.
const maxLine = 4096

// Lines reads the output from an offset on, which should be where a line
// begins, until keep has taken n of them (nil takes all). next is where to go on;
// of a line that is open it is its beginning.
func (r *Record) Lines(from int64, n int, keep func(Line) bool) (lines []Line, next int64, err error) {
	index, at := r.Index(), 0
	next = from
	for segments := r.Segments(); len(segments) > 0 && len(lines) < n; {
		var run *joined
		if run, segments, err = r.join(segments, next); err != nil {
			return lines, next, err
		}
		next = max(next, run.from)
		in := bufio.NewReaderSize(run, 64<<10)
		for len(lines) < n {
			text, size, whole, err := readLine(in)
			if size == 0 {
				break
			}
			for at+1 < len(index) && index[at+1].Offset <= next {
				at++
			}
			l := Line{Offset: next, Text: Plain(text), Open: !whole}
			if at < len(index) && index[at].Offset <= next {
				l.Time, l.Stream = index[at].Time, index[at].Stream
			}
			if keep == nil || keep(l) {
				lines = append(lines, l)
			}
			if whole {
				next += size
			}
			if err != nil {
				break
			}
		}
		run.Close()
	}
	return lines, next, nil
}

// joined reads segments that follow one another without a hole: a line may begin
// in one of them and end in the next.
type joined struct {
	io.Reader
	from  int64 // the offset of the first byte
	files []*os.File
}

// join joins the first of the segments from an offset on; rest are those that come
// after a hole.
func (r *Record) join(segments []Segment, from int64) (run *joined, rest []Segment, err error) {
	run = &joined{}
	var parts []io.Reader
	for at := from; len(segments) > 0; segments = segments[1:] {
		s := segments[0]
		end := s.Offset + s.Size
		if end <= from {
			continue
		}
		if len(parts) > 0 && s.Offset != at {
			break
		}
		f, err := r.open(s.Name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // rotated away meanwhile
		}
		if err != nil {
			run.Close()
			return nil, nil, err
		}
		begin := max(from, s.Offset)
		if len(parts) == 0 {
			run.from = begin
		}
		run.files = append(run.files, f)
		parts = append(parts, io.NewSectionReader(f, begin-s.Offset, end-begin))
		at = end
	}
	run.Reader = io.MultiReader(parts...)
	return run, segments, nil
}

func (j *joined) Close() {
	for _, f := range j.files {
		f.Close()
	}
}

// readLine reads a line of any length and keeps the beginning of it.
func readLine(in *bufio.Reader) (text string, size int64, whole bool, err error) {
	var b strings.Builder
	for {
		part, err := in.ReadSlice('\n')
		size += int64(len(part))
		if room := maxLine - b.Len(); room > 0 {
			b.Write(part[:min(room, len(part))])
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		text = strings.TrimRight(b.String(), "\r\n")
		if size > int64(b.Len()) {
			text += "…"
		}
		return text, size, err == nil, err
	}
}

// LineBefore is where the line begins that is `bytes` before an offset, or
// before the end for a negative one: where a reader of the last of it begins.
func (r *Record) LineBefore(offset, bytes int64) int64 {
	if offset < 0 {
		offset = r.OutputSize()
	}
	from := max(0, offset-bytes)
	if from == 0 {
		return 0
	}
	var b strings.Builder
	r.CopyOutput(&b, from-1, min(offset, from+maxLine))
	if i := strings.IndexByte(b.String(), '\n'); i >= 0 {
		return from + int64(i)
	}
	return from
}

// colour is what programs print to colour and move on a terminal (ECMA-48's
// control sequences): on a page it is noise.
var colour = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile("\x1b\\[[0-9;?]*[ -/]*[@-~]") })

// Plain is Printable without a terminal's colours.
func Plain(line string) string {
	if strings.IndexByte(line, '\x1b') >= 0 {
		line = colour().ReplaceAllString(line, "")
	}
	return Printable(line)
}

// Of opens the record of a start that a watcher's store in dir knows: beside the
// store, or where the aweigh-init inside a container keeps it. Close the Dir.
func Of(dir string, s aweigh.Start) (*Dir, *Record, error) {
	if filepath.IsAbs(s.Record) {
		if there, err := OpenToRead(filepath.Dir(filepath.Dir(s.Record))); err == nil {
			if r, err := there.Find(filepath.Base(s.Record)); err == nil {
				return there, r, nil
			}
			there.Close()
		}
	}
	d, err := OpenToRead(dir)
	if err != nil {
		return nil, nil, err
	}
	if !ValidService(s.Service) || !aweigh.ValidID(s.ID) {
		d.Close()
		return nil, nil, fs.ErrNotExist
	}
	r := d.record(s.Service, s.ID)
	if len(r.Files()) == 0 {
		d.Close()
		return nil, nil, fs.ErrNotExist
	}
	return d, r, nil
}
