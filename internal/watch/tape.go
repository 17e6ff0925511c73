package watch

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/docker"
	"github.com/aweigh/aweigh/internal/record"
)

const (
	// tailBytes is how much of the newest output a tape keeps in memory, for
	// the message that is sent the moment that the container dies.
	tailBytes = 8 << 10
	// headBytes is how much may come before it is known which start it is of.
	headBytes = 256 << 10
	// evidenceLines is how much of it is told.
	evidenceLines = 20
)

// tape follows the output of one life of a container into its record.
type tape struct {
	began      time.Time // of the life, as the first word of it had it
	late       bool      // it may be over when the tape begins
	supervised bool
	heard      func(said, time.Time) // a line of aweigh-init's own
	talked     func(time.Time)

	// open reads the output since a moment: what there is until another one, or as it
	// comes when that is zero; of that the last lines alone unless tail is 0.
	open func(ctx context.Context, since, until time.Time, tail int) (stream io.ReadCloser, framed bool, err error)
	// endOf is when the life has ended, by a look at the container; zero if it goes on.
	endOf func(ctx context.Context) (time.Time, error)
	stop  context.CancelFunc // ends the reading
	done  chan struct{}      // closed when the output has ended
	dead  chan struct{}      // closed when the life has
	died  sync.Once
	over  time.Time // when it died; to be read once dead is closed

	taking sync.Mutex // the output is read more than once, and taken once
	since  time.Time  // from when on it is read
	got    int64      // bytes taken of that
	newest time.Time  // when the last of them came
	all    bool       // of the output of a life that is over has been read

	state func() []byte // the engine's own word of the end, as JSON; nil while it has none

	beside func(func()) // runs what the watcher's end waits for, beside the fold

	// What follows belongs to the fold's goroutine.
	start   string // the start that it is of, "" until that is known
	written stage

	mu       sync.Mutex
	attached bool
	told     func(aweigh.Fact)
	facts    []aweigh.Fact    // what was heard before the fold knew of the life
	head     []piece          // until the record is known
	rec      *record.Recorder // nil until then
	headSize int
	room     chan struct{} // closed when it is
	tail     []byte
	opening  []byte        // the first of it
	total    int64         // bytes of all
	ending   chan struct{} // closed when the end has been read; nil until somebody reads it
	end      []byte        // its last lines by the engine's word, where the reading was too slow for them
	cause    *aweigh.Cause // as the aweigh-init inside has named it
	line     []byte        // the beginning of a line of aweigh-init's
	said     string        // how aweigh-init inside it says that it ended
}

// piece is output that waits for its record.
type piece struct {
	stream record.Stream
	bytes  []byte
}

const (
	// readAgain is the pause after a reading that has ended although the life goes on,
	// as far as is known: the engine was restarted, or the connection broke. A death is
	// told within it.
	readAgain = time.Second
	// readAgainAtMost is the pause while that goes on.
	readAgainAtMost = 30 * time.Second
)

// run follows until the output ends or ctx does. until is when it has ended
// already, zero if it goes on.
func (t *tape) run(ctx context.Context, until time.Time, trouble func(error)) {
	defer close(t.done)
	var err error
	if t.late {
		if until, err = t.lookForEnd(ctx); errors.Is(err, docker.ErrRefused) {
			return // the container is gone, and its output with it
		}
	}
	for pause := readAgain; ; pause = min(2*pause, readAgainAtMost) {
		began := time.Now()
		if err == nil {
			err = t.read(ctx, until)
		}
		if ctx.Err() != nil {
			return
		}
		last := !until.IsZero() || errors.Is(err, docker.ErrRefused)
		if err != nil && (last || pause == readAgainAtMost) { // else it may go on in a moment
			trouble(err)
		}
		if last {
			return
		}
		if time.Since(began) > readAgainAtMost {
			pause = readAgain
		}
		select {
		case <-ctx.Done():
			return
		case <-t.dead:
			if pause > readAgain && !t.over.IsZero() { // it died behind a broken connection
				t.read(ctx, t.over)
			}
			return
		case <-time.After(pause):
		}
		t.goOn()
		if until, err = t.lookForEnd(ctx); errors.Is(err, docker.ErrRefused) {
			return
		}
	}
}

// lookForEnd finds out whether the life is over: the next one's output is not of it.
func (t *tape) lookForEnd(ctx context.Context) (time.Time, error) {
	at, err := t.endOf(ctx)
	if err == nil && !at.IsZero() {
		t.die(at)
	}
	return at, err
}

// goOn has the next reading begin where the last one came to, if there is too much for
// all to be read again. A second twice is better than a line never.
func (t *tape) goOn() {
	t.taking.Lock()
	defer t.taking.Unlock()
	if t.got >= secondReading {
		t.since, t.got = t.newest.Add(-time.Second), 0
	}
}

// read takes what is new in the output.
func (t *tape) read(ctx context.Context, until time.Time) error {
	t.taking.Lock()
	since := t.since
	t.taking.Unlock()
	stream, framed, err := t.open(ctx, since, until, 0)
	if err != nil {
		return err
	}
	defer stream.Close()
	stop := context.AfterFunc(ctx, func() { stream.Close() })
	defer stop()
	at := int64(0)
	return docker.Frames(stream, framed, func(stderr bool, b []byte) {
		t.taking.Lock()
		defer t.taking.Unlock()
		if !t.since.Equal(since) {
			return // another reading has gone on from a later moment
		}
		old := min(max(0, t.got-at), int64(len(b)))
		at += int64(len(b))
		if b = b[old:]; len(b) > 0 {
			t.got, t.newest = at, time.Now()
			t.take(ctx, stderr, b)
		}
	})
}

// lastTaken is when the last of the output came, as far as it has come.
func (t *tape) lastTaken() time.Time {
	t.taking.Lock()
	defer t.taking.Unlock()
	return t.newest
}

// hasAll reports whether all the output of a life that is over has been read.
func (t *tape) hasAll() bool {
	t.taking.Lock()
	defer t.taking.Unlock()
	return t.all
}

// die ends the life, at a moment or, where nobody knows it, at the zero time.
func (t *tape) die(at time.Time) {
	t.died.Do(func() {
		t.over = at
		close(t.dead)
	})
}

// secondReading is up to how much output is read a second time.
const secondReading = 256 << 10

// catchUp reads once more what there is, and takes what is new. An engine's
// stream that follows a log may stand still although there is more, or end too
// early: with Engine 20.10 on a busy machine that is one start in twenty. It
// reports false where there is too much for that.
func (t *tape) catchUp(ctx context.Context, until time.Time) (tried bool, err error) {
	t.taking.Lock()
	got := t.got
	t.taking.Unlock()
	if got >= secondReading || t.open == nil {
		return false, nil
	}
	return true, t.read(ctx, until) // the first reading has complained
}

// readEnd reads what a dead container printed last: all that is new, or its
// last lines alone where it printed much, for which the first reading may need
// a while yet.
func (t *tape) readEnd(ctx context.Context, until time.Time) {
	tried, err := t.catchUp(ctx, until)
	if t.open == nil {
		return
	}
	if tried && err == nil {
		t.taking.Lock()
		t.all = true
		t.taking.Unlock()
		return
	}
	select {
	case <-t.done: // it was quick enough
		return
	default:
	}
	t.taking.Lock()
	since := t.since
	t.taking.Unlock()
	stream, framed, err := t.open(ctx, since, until, evidenceLines)
	if err != nil {
		return
	}
	defer stream.Close()
	stop := context.AfterFunc(ctx, func() { stream.Close() })
	defer stop()
	var end []byte
	docker.Frames(stream, framed, func(_ bool, b []byte) {
		if end = append(end, b...); len(end) > 2*tailBytes {
			end = append(end[:0], end[len(end)-tailBytes:]...)
		}
	})
	t.mu.Lock()
	defer t.mu.Unlock()
	t.end = end
}

// take keeps a piece of output. It may wait for the disk, and lets the engine
// wait with it: the service itself never does, for the engine has the output
// already.
func (t *tape) take(ctx context.Context, stderr bool, b []byte) {
	stream := record.Stdout
	if stderr {
		stream = record.Stderr
	}
	now := time.Now()
	t.mu.Lock()
	t.keepOpening(b)
	t.tail = append(t.tail, b...)
	if len(t.tail) > 2*tailBytes {
		t.tail = append(t.tail[:0], t.tail[len(t.tail)-tailBytes:]...)
	}
	rec := t.rec
	if !t.attached && t.headSize < headBytes {
		t.head = append(t.head, piece{stream, bytes.Clone(b)})
		t.headSize += len(b)
	} else if !t.attached {
		t.mu.Unlock()
		select { // the fold is busy: what it is of will be known in a moment
		case <-t.room:
		case <-ctx.Done():
		}
		t.mu.Lock()
		rec = t.rec
	}
	t.mu.Unlock()
	rec.Output(stream, b)
	t.talked(now)
	if t.supervised {
		t.listen(b, now)
	}
}

// attach gives the tape its record; nil is one that cannot be had.
func (t *tape) attach(rec *record.Recorder) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, f := range t.facts {
		t.told(f)
	}
	t.facts = nil
	if t.attached {
		return
	}
	t.attached = true
	for _, p := range t.head {
		rec.Output(p.stream, p.bytes)
	}
	t.rec, t.head = rec, nil
	close(t.room)
}

// tell tells a fact of the life, once the fold knows of that: a service may say
// that it is ready before the engine has answered what it is.
func (t *tape) tell(f aweigh.Fact) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.attached {
		t.told(f)
	} else if len(t.facts) < maxEarly {
		t.facts = append(t.facts, f)
	}
}

// maxEarly bounds what is heard so early.
const maxEarly = 100

// recorder is the tape's record, nil while there is none.
func (t *tape) recorder() *record.Recorder {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.rec
}

// lines are the last lines of the output, safe to show, and why the service
// ended by its own words, or by those of the aweigh-init inside, which has
// looked for them already.
func (t *tape) lines() (lines []string, why string) {
	t.mu.Lock()
	tail, why := string(t.tail), t.said
	if len(t.end) > 0 {
		tail = string(t.end)
	}
	t.mu.Unlock()
	lines = record.LastLines(tail, evidenceLines)
	if why == "" {
		why = record.LastWords(lines)
	}
	return lines, why
}
