package record

import (
	"bufio"
	"errors"
	"io"
	"io/fs"
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
	for _, s := range r.Segments() {
		if s.Offset+s.Size <= next {
			continue
		}
		next = max(next, s.Offset)
		f, err := r.open(s.Name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // rotated away meanwhile
		}
		if err != nil {
			return lines, next, err
		}
		in := bufio.NewReaderSize(io.NewSectionReader(f, next-s.Offset, s.Offset+s.Size-next), 64<<10)
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
		f.Close()
		if len(lines) >= n {
			break
		}
	}
	return lines, next, nil
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
