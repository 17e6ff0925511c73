package supervise

import (
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// pulse is a ticker that costs one wake-up a beat. Go's own timers cost three:
// of the thread that waits for them, of the scheduler's own, which is due at
// the same time, and of that one again. Nor is there a channel: who waits for
// the beat is woken by the poller itself. At a hundred beats a second all that
// is most of what a supervisor uses while it waits.
type pulse struct {
	file  *os.File      // a timerfd, read through the poller like any other file; nil where the kernel gives none
	pause atomic.Int64  // ns
	early chan struct{} // stands in for the timerfd's early beat
	quit  chan struct{}
	once  sync.Once
}

// slowBeat is the pace where the kernel gives no timerfd.
const slowBeat = 20 * time.Millisecond

// newPulse starts a pulse, which must be stopped.
func newPulse(pause time.Duration) *pulse {
	const monotonic = 1
	fd, _, errno := syscall.RawSyscall(syscall.SYS_TIMERFD_CREATE, monotonic, syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if errno != 0 {
		return startPulse(nil, pause)
	}
	return startPulse(os.NewFile(fd, "timerfd"), pause)
}

func startPulse(file *os.File, pause time.Duration) *pulse {
	p := &pulse{file: file, early: make(chan struct{}, 1), quit: make(chan struct{})}
	p.every(pause)
	return p
}

// every changes how long it is from beat to beat.
func (p *pulse) every(pause time.Duration) {
	if p.pause.Swap(int64(pause)) != int64(pause) && p.file != nil {
		p.first(pause)
	}
}

// now makes the next beat come at once.
func (p *pulse) now() {
	if p.file != nil {
		p.first(1)
		return
	}
	select {
	case p.early <- struct{}{}:
	default:
	}
}

// first sets when the next beat comes; the others follow at its pace.
func (p *pulse) first(after time.Duration) {
	timer := [2]syscall.Timespec{syscall.NsecToTimespec(p.pause.Load()), syscall.NsecToTimespec(int64(after))} // struct itimerspec
	control(p.file, func(fd int) {
		syscall.RawSyscall6(syscall.SYS_TIMERFD_SETTIME, uintptr(fd), 0, uintptr(unsafe.Pointer(&timer)), 0, 0, 0)
	})
}

// stop ends it, and the waiting for it.
func (p *pulse) stop() {
	p.once.Do(func() {
		close(p.quit)
		p.file.Close() // ends the read
	})
}

// wait waits for the next beat; false means that there is none any more.
func (p *pulse) wait() bool {
	raw, err := p.file.SyscallConn()
	if err == nil {
		var beats [8]byte
		err = raw.Read(func(fd uintptr) (done bool) {
			_, _, errno := syscall.RawSyscall(syscall.SYS_READ, fd, uintptr(unsafe.Pointer(&beats)), 8)
			return errno != syscall.EAGAIN
		})
	}
	if err == nil {
		return true
	}
	select {
	case <-p.quit:
		return false
	case <-p.early:
	case <-time.After(slowBeat):
	}
	return true
}
