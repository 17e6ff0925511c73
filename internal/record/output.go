package record

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"
)

// markEvery is the grain of the time index: a new entry at most this often,
// and at each change of stream.
const markEvery = 50 * time.Millisecond

// output is the recorded output of a service: output.log, which keeps the
// beginning for ever, and, once that has reached its bound, output-1.log,
// output-2.log …, of which the last are kept, two if they are full. output.idx
// says which bytes came when, and from which stream.
type output struct {
	dir        *os.Root
	head, tail int64 // bounds of output.log and of each later segment

	file    *os.File
	index   *os.File
	segment int
	resumed bool            // segments are there already: go on with the next
	size    int64           // of the open segment
	closed  []closedSegment // after the head, that are kept
	offset  int64           // of all that was recorded
	stream  Stream
	at      time.Time
	line    []byte // of the index, not written yet: the disk may have refused it
}

type closedSegment struct {
	number int
	size   int64
}

// IndexEntry is one line of output.idx: from Offset on, the output came from
// Stream, beginning at Time. Offsets count all recorded output, whichever
// segments it lies in.
type IndexEntry struct {
	Offset int64     `json:"offset"`
	Time   time.Time `json:"time"`
	Stream string    `json:"stream"`
	File   string    `json:"file,omitempty"`       // a new segment begins here
	Lost   int64     `json:"lost_bytes,omitempty"` // so much was lost just before
}

// write appends b. It returns how much of it the disk did not take.
func (o *output) write(b []byte, marks []mark) (lost int64, err error) {
	if o.file == nil || o.size >= o.bound() {
		if err := o.next(); err != nil {
			return int64(len(b)), err
		}
	}
	// The index goes first: an entry that points beyond the end is harmless,
	// bytes without an entry would be taken for their predecessor's.
	for _, m := range marks {
		if len(o.line) > maxRefused {
			break
		}
		if m.lost > 0 || m.stream != o.stream || m.time.Sub(o.at) >= markEvery || o.at.IsZero() {
			o.entry(m, "")
		}
	}
	o.writeIndex()
	n, err := o.file.Write(b)
	o.size += int64(n)
	o.offset += int64(n)
	return int64(len(b) - n), err
}

// maxRefused is how much of the index may wait for a disk that refuses it, in
// bytes, apart from the names of segments.
const maxRefused = 32 << 10

// writeIndex writes what the index has to take, and keeps what the disk refuses
// for the next time: without its name a segment is not found.
func (o *output) writeIndex() {
	if len(o.line) == 0 {
		return
	}
	n, _ := o.index.Write(o.line)
	o.line = o.line[:copy(o.line, o.line[n:])]
}

func (o *output) bound() int64 {
	if o.segment == 0 {
		return o.head
	}
	return o.tail
}

// next opens the next segment. The head stays, and of the others as much of the
// last as a full one has at least: those that a restart of the watcher cut short
// are small.
func (o *output) next() error {
	if o.index == nil {
		f, err := create(o.dir, "output.idx")
		if err != nil {
			return err
		}
		o.index = f
	}
	segment := o.segment
	if o.file != nil || o.resumed {
		segment++
	}
	f, err := create(o.dir, segmentName(segment))
	for ; errors.Is(err, fs.ErrExist); f, err = create(o.dir, segmentName(segment)) {
		segment++ // one whose name the index lacks: its recorder was killed just then
	}
	if err != nil {
		return err
	}
	o.resumed = false
	if o.file != nil {
		o.file.Close()
		o.close(o.segment, o.size)
	}
	o.file, o.segment, o.size = f, segment, 0
	if segment > 0 {
		o.entry(mark{at: 0, stream: o.stream, time: time.Now()}, segmentName(segment))
		o.writeIndex()
	}
	for len(o.closed) > 1 && o.rest() >= o.tail {
		o.dir.Remove(segmentName(o.closed[0].number))
		o.closed = o.closed[1:]
	}
	return nil
}

// close notes a segment that is kept.
func (o *output) close(number int, size int64) {
	if number > 0 {
		o.closed = append(o.closed, closedSegment{number, size})
	}
}

// rest is the size of the closed segments without the oldest.
func (o *output) rest() (size int64) {
	for _, s := range o.closed[min(1, len(o.closed)):] {
		size += s.size
	}
	return size
}

// entry appends a line to the index. It is written by hand: this runs up to
// twenty times a second for a service that talks.
func (o *output) entry(m mark, file string) {
	o.stream, o.at = m.stream, m.time
	o.line = append(o.line, `{"offset":`...)
	o.line = strconv.AppendInt(o.line, o.offset+int64(m.at), 10)
	o.line = append(o.line, `,"time":"`...)
	o.line = m.time.UTC().AppendFormat(o.line, "2006-01-02T15:04:05.000Z07:00")
	o.line = append(o.line, `","stream":"`...)
	o.line = append(o.line, m.stream.String()...)
	if file != "" {
		o.line = append(o.line, `","file":"`...)
		o.line = append(o.line, file...)
	}
	o.line = append(o.line, '"')
	if m.lost > 0 {
		o.line = append(o.line, `,"lost_bytes":`...)
		o.line = strconv.AppendInt(o.line, m.lost, 10)
	}
	o.line = append(o.line, "}\n"...)
}

func segmentName(n int) string {
	if n == 0 {
		return "output.log"
	}
	return fmt.Sprintf("output-%d.log", n)
}

func segmentNumber(name string) int {
	n, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(name, "output-"), ".log"))
	return n
}
