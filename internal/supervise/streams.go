package supervise

import (
	"bytes"
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"github.com/aweigh/aweigh/internal/record"
)

// sink is one of our own outputs. A chunk of the service's output and a line
// of ours are never mixed.
type sink struct {
	fd   int
	warn func(error) // called once, when nobody reads any more
	raw  atomic.Bool // our terminal is in raw mode: only a carriage return goes back to the first column

	mu      sync.Mutex
	gone    bool // the reader is gone; without us the service would get SIGPIPE
	midLine bool // the last byte written was not the end of a line

	lines struct { // of ours
		sync.Mutex
		queued  [][]byte
		writing chan struct{} // closed when all are written; nil while there are none
	}
}

// Write writes all of b, waiting for a slow reader as the service itself would
// have to. It never fails: when the reader is gone the service goes on, into
// the record alone.
func (s *sink) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.write(b)
	return len(b), nil
}

// patience is how long we wait for a reader that does not take a line of ours.
// A reader that is stuck must not keep the signals from the service, nor hold
// its deadlines up: from then on our lines wait for it by themselves.
const (
	patience  = time.Second
	maxQueued = 1000
)

// own writes a line of ours, on a line of its own.
func (s *sink) own(line []byte) {
	q := &s.lines
	q.Lock()
	if len(q.queued) < maxQueued {
		q.queued = append(q.queued, line)
	}
	if q.writing != nil {
		q.Unlock()
		return
	}
	written := make(chan struct{})
	q.writing = written
	q.Unlock()
	go s.writeLines(written)
	select {
	case <-written:
	case <-time.After(patience):
	}
}

func (s *sink) writeLines(written chan<- struct{}) {
	q := &s.lines
	for {
		q.Lock()
		if len(q.queued) == 0 {
			q.writing = nil
			close(written)
			q.Unlock()
			return
		}
		line := q.queued[0]
		q.queued = q.queued[1:]
		q.Unlock()
		s.writeLine(line)
	}
}

func (s *sink) writeLine(line []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.midLine {
		line = append([]byte{'\n'}, line...)
	}
	if s.raw.Load() {
		line = bytes.ReplaceAll(line, []byte{'\n'}, []byte("\r\n"))
	}
	s.write(line)
}

// settle gives the reader a little longer for our last lines.
func (s *sink) settle() {
	s.lines.Lock()
	written := s.lines.writing
	s.lines.Unlock()
	if written == nil {
		return
	}
	select {
	case <-written:
	case <-time.After(patience):
	}
}

func (s *sink) write(b []byte) {
	if s.gone || len(b) == 0 {
		return
	}
	s.midLine = b[len(b)-1] != '\n'
	for len(b) > 0 {
		n, err := syscall.Write(s.fd, b)
		if n > 0 {
			b = b[n:]
		}
		switch err {
		case nil, syscall.EINTR:
		case syscall.EAGAIN: // somebody who shares the descriptor made it non-blocking
			waitWritable(s.fd)
		default:
			s.gone = true
			if s.warn != nil {
				go s.warn(err)
			}
			return
		}
	}
}

// waitWritable waits until fd takes more (ppoll, which both architectures have).
func waitWritable(fd int) {
	type pollFD struct {
		fd              int32
		events, revents int16
	}
	const pollOut = 4
	p := pollFD{fd: int32(fd), events: pollOut}
	syscall.Syscall6(syscall.SYS_PPOLL, uintptr(unsafe.Pointer(&p)), 1, 0, 0, 0, 0)
}

// stream carries one output of the service to our own and into the record.
type stream struct {
	kind record.Stream
	from *os.File
	to   *sink
	rec  *record.Recorder
	seen *heard
}

// readSize is how much is read at once; with a pipe of widePipe it moves some
// 1.5 GB/s, where the usual pipe of 64 KiB moves half of that.
const (
	readSize  = 256 << 10
	widePipe  = 1 << 20
	usualPipe = 64 << 10
)

// run copies until everyone has closed the other end.
func (s *stream) run() {
	defer s.from.Close()
	buf := make([]byte, readSize)
	wide := false
	for {
		n, err := s.from.Read(buf)
		if n >= usualPipe && !wide {
			wide = true
			control(s.from, widen)
			widen(s.to.fd)
		}
		s.pass(buf[:n])
		if errors.Is(err, os.ErrDeadlineExceeded) {
			s.rest(buf)
		}
		if err != nil {
			return
		}
	}
}

// rest copies what the pipe holds when nobody waits for more any longer: whoever
// reads our output may have been too slow for the last words of the service.
func (s *stream) rest(buf []byte) {
	var left int32
	control(s.from, func(fd int) { ioctl(fd, syscall.TIOCINQ, unsafe.Pointer(&left)) })
	s.from.SetReadDeadline(time.Now().Add(drainLimit))
	for left > 0 {
		n, err := s.from.Read(buf[:min(len(buf), int(left))])
		s.pass(buf[:n])
		if left -= int32(n); err != nil {
			return
		}
		s.from.SetReadDeadline(time.Now().Add(drainLimit))
	}
}

func (s *stream) pass(b []byte) {
	if len(b) == 0 {
		return
	}
	s.keep(b)
	s.to.Write(b)
}

func (s *stream) keep(b []byte) {
	s.rec.Output(s.kind, b)
	s.seen.add(b)
}

// keepRest takes what the pipe holds into the record alone, while run waits for
// a reader that is stuck.
func (s *stream) keepRest() {
	s.from.SetReadDeadline(time.Now().Add(drainLimit))
	buf := make([]byte, readSize)
	for {
		n, err := s.from.Read(buf)
		if n > 0 {
			s.keep(buf[:n])
		}
		if err != nil {
			return
		}
	}
}

// heard remembers the end of the output and when it came.
type heard struct {
	total atomic.Int64
	mu    sync.Mutex
	last  time.Time // zero for never
	tail  []byte
	// opening is the first output.
	opening []byte

	capture capture
}

const tailBytes = 8 << 10

func (h *heard) add(b []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last = time.Now()
	h.total.Add(int64(len(b)))
	h.keepOpening(b)
	if h.capture.on && len(h.capture.text)+len(b) <= captureBytes {
		h.capture.text = append(h.capture.text, b...)
	}
	if len(b) >= tailBytes {
		h.tail = append(h.tail[:0], b[len(b)-tailBytes:]...)
		return
	}
	if over := len(h.tail) + len(b) - tailBytes; over > 0 {
		h.tail = append(h.tail[:0], h.tail[over:]...)
	}
	h.tail = append(h.tail, b...)
}

// lines returns the last lines, at most n, made printable.
func (h *heard) lines(n int) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return record.LastLines(string(h.tail), n)
}

// age is how long ago the service printed something.
func (h *heard) age(now time.Time) (time.Duration, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return now.Sub(h.last), !h.last.IsZero()
}

// widen makes room in a pipe whose service talks faster than it is read, and
// does nothing to what is no pipe. It is not done before it is needed: all pipes
// of a user share 64 MiB (pipe(7), pipe-user-pages-soft), beyond which new ones
// get a page or two, and that user is root in most containers of a host.
func widen(fd int) {
	const setPipeSize = 1031 // F_SETPIPE_SZ
	syscall.RawSyscall(syscall.SYS_FCNTL, uintptr(fd), setPipeSize, widePipe)
}
