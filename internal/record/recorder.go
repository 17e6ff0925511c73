package record

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"
)

// Stream is one of the two outputs of a service.
type Stream uint8

const (
	Stdout Stream = iota
	Stderr
)

func (s Stream) String() string {
	if s == Stderr {
		return "stderr"
	}
	return "stdout"
}

const (
	// batchBytes is how much output may wait for the disk.
	batchBytes = 768 << 10
	// smallBatch is enough for services that do not talk much.
	smallBatch = 32 << 10
	// stallAfter is how long output waits for a disk that does not take it.
	// Then the recording stops, not the service, until the disk is back.
	stallAfter = 2 * time.Second
	// reservedBytes keep room for the verdict on a disk that fills up.
	reservedBytes = 32 << 10
)

// Recorder writes one record. Its methods never wait for the disk, except for
// Output, which waits at most two seconds and then loses what it was given,
// and says so in the record. A nil *Recorder records nothing.
type Recorder struct {
	warn func(string)

	mu      sync.Mutex
	batch   batch
	spare   batch // the buffers of the batch written before, to be used again
	closing bool
	stalled bool
	lost    int64 // bytes given while stalled
	wake    chan struct{}
	space   chan struct{}
	opened  chan struct{} // closed when open has ended; then parent is set, or there is no record
	parent  *Dir

	// What follows belongs to the writing goroutine.
	dir       *os.Root
	name      string
	events    *os.File
	probes    *os.File
	out       output
	begin     time.Time
	resume    *Event // the beginning to write if there is no record to go on with
	lostNow   int64  // bytes that the disk refused since it last took some
	lostWhy   error
	warned    map[string]bool
	unwritten []byte // events that the disk refused
	dirty     bool
	verdict   bool  // a verdict is not synced yet
	unsynced  int64 // bytes of output
	reserved  bool  // room for the verdict
	done      chan struct{}
	syncing   chan struct{}
}

// batch is what waits to be written.
type batch struct {
	output []byte
	marks  []mark
	events []Event
	probes []any
	files  []file
	sync   bool // a verdict is among it: bring it to the disk at once
}

// mark says that the output from at on came from stream at that time.
type mark struct {
	at     int // offset in the batch
	stream Stream
	time   time.Time
	lost   int64
}

type file struct {
	name string
	data []byte
}

// Begin begins a record in the record directory at path, which it creates.
// begin must carry Service and Start; began is the start's beginning.
//
// It does not wait for the disk, and neither does the service: what comes
// before the record is open is kept and written then. warn is called, once per
// kind of trouble, when the recording lacks something or could not begin at
// all; it is called from another goroutine.
func Begin(path string, begin Event, began time.Time, keepBytes int64, warn func(string)) *Recorder {
	r := &Recorder{
		warn: warn, wake: make(chan struct{}, 1), space: make(chan struct{}, 1), opened: make(chan struct{}),
		name: begin.Service + "/" + begin.Start, begin: began, warned: map[string]bool{}, done: make(chan struct{}), syncing: make(chan struct{}, 1),
		out: output{head: keepBytes / 2, tail: max(keepBytes/8, 1<<20)},
	}
	begin.Event, begin.Format = StartBegin, Format
	r.Event(begin)
	go r.write(path)
	return r
}

// Resume goes on with a record that another process began and left open: a
// watcher that was restarted while the service went on. The output goes on in
// a segment of its own. Where there is no such record it is begun.
func Resume(path string, begin Event, began time.Time, keepBytes int64, warn func(string)) *Recorder {
	r := &Recorder{
		warn: warn, wake: make(chan struct{}, 1), space: make(chan struct{}, 1), opened: make(chan struct{}),
		name: begin.Service + "/" + begin.Start, begin: began, warned: map[string]bool{}, done: make(chan struct{}), syncing: make(chan struct{}, 1),
		out: output{head: keepBytes / 2, tail: max(keepBytes/8, 1<<20)},
	}
	begin.Event, begin.Format = StartBegin, Format
	r.resume = &begin
	go r.write(path)
	return r
}

// open opens the files of the record.
func (r *Recorder) open(path string) error {
	dir, err := Open(path)
	if err != nil {
		return err
	}
	service, id := filepath.Split(r.name)
	if service = filepath.Clean(service); !ValidService(service) {
		return fmt.Errorf("service %q: %w", service, errServiceName)
	}
	for range 2 { // Tidy may take the directory of a service away that was gone
		if err := dir.root.Mkdir(service, 0o750); err != nil && !os.IsExist(err) {
			return err
		}
		if err = dir.root.Mkdir(filepath.Join(service, id), 0o750); !os.IsNotExist(err) {
			break
		}
	}
	resumed := r.resume != nil && os.IsExist(err)
	if err != nil && !resumed {
		return err
	}
	root, err := dir.root.OpenRoot(r.name)
	if err != nil {
		return err
	}
	if resumed {
		r.events, err = r.reopen(dir, root)
		resumed = !os.IsNotExist(err) // whoever made the directory was killed then
	}
	if !resumed {
		if r.events, err = create(root, "events.jsonl"); err != nil {
			dir.root.Remove(r.name)
		}
	}
	if err != nil {
		root.Close()
		return err
	}
	if r.resume != nil && !resumed {
		r.writeEvents(jsonLine(*r.resume))
	}
	lock(r.events)
	r.parent, r.dir, r.out.dir = dir, root, root
	return nil
}

// lock takes the lock that tells others that the record is being written. Who
// reads it takes that lock for a moment as well, and is waited for.
func lock(events *os.File) {
	for end := time.Now().Add(time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if syscall.Flock(int(events.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != syscall.EWOULDBLOCK {
			return
		}
	}
}

// Dir is the directory of this and all other records. It waits until the
// record is open, at most two seconds; nil means that there is none.
func (r *Recorder) Dir() *Dir {
	if r == nil {
		return nil
	}
	select {
	case <-r.opened:
		return r.parent
	case <-time.After(stallAfter):
		return nil
	}
}

// reopen opens the events of a record that was left open, and finds where its
// output ends.
func (r *Recorder) reopen(dir *Dir, root *os.Root) (*os.File, error) {
	events, err := root.OpenFile("events.jsonl", os.O_WRONLY|os.O_APPEND|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	events.WriteString("\n") // a torn last line must not swallow the next one
	index, err := root.OpenFile("output.idx", os.O_WRONLY|os.O_APPEND|syscall.O_NONBLOCK, 0)
	if os.IsNotExist(err) {
		return events, nil // it had printed nothing
	}
	if err != nil {
		events.Close()
		return nil, err
	}
	index.WriteString("\n")
	old := &Record{dir: dir, Name: r.name}
	for _, s := range old.Segments() {
		r.out.offset = s.Offset + s.Size
		r.out.segment = segmentNumber(s.Name)
		r.out.close(r.out.segment, s.Size)
	}
	r.out.index, r.out.resumed = index, true
	return events, nil
}

// create makes a new file; an existing one, a symbolic link included, is an
// error.
func create(root *os.Root, name string) (*os.File, error) {
	return root.OpenFile(name, os.O_WRONLY|os.O_APPEND|os.O_CREATE|os.O_EXCL, 0o640)
}

// Name is the record's directory relative to the record directory.
func (r *Recorder) Name() string {
	if r == nil {
		return ""
	}
	return r.name
}

// Output records b, which came from stream now. b may be used again when it
// returns.
func (r *Recorder) Output(stream Stream, b []byte) {
	if r == nil || len(b) == 0 {
		return
	}
	r.mu.Lock()
	var timeout <-chan time.Time
	for len(r.batch.output) > 0 && len(r.batch.output)+len(b) > batchBytes && !r.closing {
		if r.stalled {
			r.lost += int64(len(b))
			r.mu.Unlock()
			return
		}
		if timeout == nil {
			timeout = time.After(stallAfter)
		}
		r.mu.Unlock()
		select {
		case <-r.space:
			r.mu.Lock()
		case <-timeout:
			r.mu.Lock()
			r.stalled = true
		}
	}
	now := time.Now()
	q := &r.batch
	if r.lost > 0 {
		q.marks = append(q.marks, mark{at: len(q.output), stream: stream, time: now, lost: r.lost})
		r.lost = 0
	}
	if n := len(q.marks); n == 0 || q.marks[n-1].stream != stream || now.Sub(q.marks[n-1].time) >= markEvery {
		q.marks = append(q.marks, mark{at: len(q.output), stream: stream, time: now})
	}
	if room := cap(q.output); len(q.output)+len(b) > max(room, smallBatch) && room < batchBytes {
		q.output = slices.Grow(q.output, batchBytes-len(q.output)) // at once: each step between would stay behind as garbage
	}
	q.output = append(q.output, b...)
	r.mu.Unlock()
	r.poke()
}

// Event records e. Its time is set when it has none.
func (r *Recorder) Event(e Event) {
	if r == nil {
		return
	}
	if e.Time.IsZero() {
		now := time.Now()
		e.Time, e.ElapsedMS = now.UTC(), now.Sub(r.begin).Milliseconds()
	}
	r.mu.Lock()
	r.batch.events = append(r.batch.events, e)
	switch e.Event {
	case StartReady, StartFailed, RunExit:
		r.batch.sync = true
	}
	r.mu.Unlock()
	r.poke()
}

// Probe records the answer to one probe, as a line of JSON in probes.jsonl.
func (r *Recorder) Probe(answer any) {
	if r == nil {
		return
	}
	r.mu.Lock()
	r.batch.probes = append(r.batch.probes, answer)
	r.mu.Unlock()
	r.poke()
}

// File records data under name, a new file of the record.
func (r *Recorder) File(name string, data []byte) {
	if r == nil {
		return
	}
	r.mu.Lock()
	r.batch.files = append(r.batch.files, file{name, data})
	r.mu.Unlock()
	r.poke()
}

// Close writes what is left and waits for it, at most for timeout.
func (r *Recorder) Close(timeout time.Duration) {
	if r == nil {
		return
	}
	r.mu.Lock()
	r.closing = true
	r.mu.Unlock()
	r.poke()
	select {
	case <-r.done:
	case <-time.After(timeout):
	}
}

func (r *Recorder) poke() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// jsonLine marshals without escaping <, > and &, which a person would have to
// read as \u003c.
func jsonLine(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if enc.Encode(v) != nil {
		return nil
	}
	return b.Bytes()
}

func jsonLines[T any](values []T) []byte {
	var lines []byte
	for _, v := range values {
		lines = append(lines, jsonLine(v)...)
	}
	return lines
}
