package gather

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"time"

	"github.com/aweigh/aweigh/internal/docker"
	"github.com/aweigh/aweigh/internal/record"
)

const (
	// headBytes and tailBytes are what is kept of a long output: a cause is
	// told in the first lines, or in the last ones.
	headBytes = 256 << 10
	tailBytes = 1 << 20
)

// clip keeps the beginning and the end of what is written to it.
type clip struct {
	head, tail []byte
	lost       int64
	more       bool // was left out than is known
}

func (c *clip) Write(b []byte) (int, error) {
	n := len(b)
	room := min(headBytes-len(c.head), n)
	c.head, b = append(c.head, b[:room]...), b[room:]
	c.tail = append(c.tail, b...)
	if len(c.tail) > 2*tailBytes {
		c.trim()
	}
	return n, nil
}

func (c *clip) trim() {
	if over := len(c.tail) - tailBytes; over > 0 {
		c.lost += int64(over)
		c.tail = append(c.tail[:0], c.tail[over:]...)
	}
}

// bytes is what was kept. Where something is missing a line says so.
func (c *clip) bytes() []byte {
	c.trim()
	if c.lost == 0 && !c.more {
		return append(c.head, c.tail...)
	}
	gap := fmt.Sprintf("\n[aweigh: %d bytes are left out here]\n", c.lost)
	if c.more {
		gap = fmt.Sprintf("\n[aweigh: more than %d bytes are left out here]\n", c.lost)
	}
	return append(append(c.head, gap...), c.tail...)
}

// recordedOutput reads the first size bytes of a record's output.
func (f *Found) recordedOutput(r *record.Record, size int64, where string) {
	var c clip
	end, err := r.CopyOutput(&c, 0, min(size, headBytes))
	if err == nil && end < size {
		from := max(end, size-tailBytes)
		c.lost = from - end
		_, err = r.CopyOutput(&c, from, size)
	}
	if err != nil {
		f.note(fmt.Sprintf("the output in %s could not be read to its end: %v", where, err))
	}
	f.Evidence.Output, f.From, f.Cut = c.bytes(), where, c.lost
}

// logsWithin bounds the reading of an engine's log.
const logsWithin = 10 * time.Second

// engineOutput reads a part of the output that the engine has kept.
func (f *Found) engineOutput(ctx context.Context, e *docker.Engine, in docker.Inspection, span docker.Span) {
	if in.Container.Unreadable != "" {
		f.note("the output cannot be read: " + in.Container.Unreadable)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, logsWithin)
	defer cancel()
	whole := span == docker.Span{}
	if whole {
		span.Tail = docker.MostLines
	}
	var c clip
	lines := 0
	err := readEngine(ctx, e, in, span, 0, func(b []byte) {
		lines += bytes.Count(b, []byte("\n"))
		c.Write(b)
	})
	switch {
	case err != nil && len(c.head) == 0:
		f.note(fmt.Sprintf("the output cannot be read: %v", err))
		return
	case err != nil:
		f.note(fmt.Sprintf("the output could not be read to its end: %v", err))
	case lines >= docker.MostLines:
		f.note(fmt.Sprintf("the output has more than %d lines: what is between its beginning and its end was not read", docker.MostLines))
		c.more = true
		if c.head = nil; whole { // else it begins somewhere in the engine's log
			readEngine(ctx, e, in, docker.Span{}, headBytes, func(b []byte) { c.head = append(c.head, b...) })
		}
	}
	f.Evidence.Output, f.From, f.Cut = c.bytes(), "the engine's log", c.lost
}

// readEngine reads a part of the output that the engine has kept: the first bytes of it
// alone, unless that is 0.
func readEngine(ctx context.Context, e *docker.Engine, in docker.Inspection, span docker.Span, first int64, give func(b []byte)) error {
	stream, err := e.Logs(ctx, in.Container.ID, span)
	if err != nil {
		return err
	}
	defer stream.Close()
	stop := context.AfterFunc(ctx, func() { stream.Close() })
	defer stop()
	var from io.Reader = stream
	if first > 0 {
		from = io.LimitReader(stream, first)
	}
	return docker.Frames(from, !in.Terminal, func(_ bool, b []byte) { give(b) })
}
