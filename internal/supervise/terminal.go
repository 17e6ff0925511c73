package supervise

import (
	"bytes"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"github.com/aweigh/aweigh/internal/record"
)

// streams are the service's standard input, output and error. Pipes carry the
// output; where ours is a terminal the service gets a terminal too, or it
// would buffer, lose its colours and its line editing.
type streams struct {
	running sync.WaitGroup
	theirs  []*os.File // the service's ends, to close once it has them
	ours    []*stream
	pty     *os.File // our end of its terminal, when it has one
	restore func()   // puts our terminal back
	typed   atomic.Pointer[typed]
}

// typed is the last key by which a person sent a signal to the service.
type typed struct {
	sig syscall.Signal
	at  time.Time
}

// open makes the streams and fills them into attr.
func (st *streams) open(s *supervisor, attr *syscall.ProcAttr) error {
	terminal := [3]bool{isTerminal(0), isTerminal(1), isTerminal(2)}
	attr.Sys.Setpgid = true
	attr.Files = []uintptr{0, 0, 0}
	var slave *os.File
	if terminal[1] || terminal[2] {
		var err error
		if st.pty, slave, err = openPTY(); err != nil {
			s.warn(fmt.Sprintf("no terminal for the service (%v): it gets a pipe", err))
			terminal[1], terminal[2] = false, false
		} else {
			st.theirs = append(st.theirs, slave)
		}
	}
	switch {
	case terminal[0] && slave != nil && inForeground():
		// The whole dialogue: the service gets the terminal as its own, and
		// ours hands every key through.
		attr.Files[0] = slave.Fd()
		attr.Sys.Setpgid, attr.Sys.Setsid, attr.Sys.Setctty, attr.Sys.Ctty = false, true, true, 0
		st.restore = s.rawTerminal(terminal)
		st.resize()
		go st.copyKeys()
	case slave != nil:
		passOutputThrough(slave) // our own terminal turns line ends already
	}
	if terminal[0] && slave == nil && inForeground() {
		attr.Sys.Foreground, attr.Sys.Ctty = true, 0
	}
	shared := false
	for i, to := range []*sink{s.out, s.err} {
		kind := record.Stream(i)
		if terminal[1+i] {
			attr.Files[1+i] = slave.Fd()
			if !shared { // both are one terminal: what comes out of it is one stream
				shared = true
				st.add(s, kind, st.pty, to)
			}
			continue
		}
		read, write, err := os.Pipe()
		if err != nil {
			return err
		}
		st.theirs = append(st.theirs, write)
		attr.Files[1+i] = write.Fd()
		st.add(s, kind, read, to)
	}
	return nil
}

func (st *streams) add(s *supervisor, kind record.Stream, from *os.File, to *sink) {
	one := &stream{kind: kind, from: from, to: to, rec: s.rec, seen: s.heard}
	st.ours = append(st.ours, one)
	st.running.Go(one.run)
}

// started closes the service's ends: it has them now.
func (st *streams) started() {
	for _, f := range st.theirs {
		f.Close()
	}
}

// drainLimit is how long we wait for more output after the last process of the
// service has ended: somebody out of our reach holds the other end.
const drainLimit = 500 * time.Millisecond

// stuckLimit is how long we wait for a reader once somebody wants us to end.
const stuckLimit = 5 * time.Second

// drain waits for the rest of the output, and puts our terminal back. A reader
// may be as slow as it likes, until somebody has asked us to stop.
func (s *supervisor) drain() {
	st := &s.streams
	for _, one := range st.ours {
		one.from.SetReadDeadline(time.Now().Add(drainLimit))
	}
	drained := make(chan struct{})
	go func() { st.running.Wait(); close(drained) }()
	var limit <-chan time.Time
	for waiting := true; waiting; {
		if s.stopHeard && limit == nil {
			limit = time.After(stuckLimit)
		}
		select {
		case <-drained:
			waiting = false
		case sig := <-s.signals:
			s.stopHeard = s.stopHeard || stops(sig)
		case <-limit:
			for _, one := range st.ours {
				one.keepRest()
			}
			waiting = false
		}
	}
	if st.restore != nil {
		st.restore()
	}
}

// resize gives our terminal's size to the service's, which tells the service
// by itself. It reports whether there is one.
func (st *streams) resize() bool {
	if st.pty == nil {
		return false
	}
	var size [4]uint16
	if ioctl(0, syscall.TIOCGWINSZ, unsafe.Pointer(&size)) != nil && ioctl(1, syscall.TIOCGWINSZ, unsafe.Pointer(&size)) != nil {
		return true
	}
	control(st.pty, func(fd int) { ioctl(fd, syscall.TIOCSWINSZ, unsafe.Pointer(&size)) })
	return true
}

// copyKeys hands what is typed to the service until our terminal is gone.
func (st *streams) copyKeys() {
	buf := make([]byte, 4096)
	for {
		n, err := syscall.Read(0, buf)
		if err == syscall.EINTR {
			continue
		}
		if n <= 0 || err != nil {
			return
		}
		st.notice(buf[:n])
		if _, err := st.pty.Write(buf[:n]); err != nil {
			return
		}
	}
}

// notice remembers the keys that the service's terminal makes signals of.
func (st *streams) notice(keys []byte) {
	var t syscall.Termios
	known := false
	control(st.pty, func(fd int) { known = ioctl(fd, syscall.TCGETS, unsafe.Pointer(&t)) == nil })
	if !known || t.Lflag&syscall.ISIG == 0 {
		return
	}
	for i, sig := range map[int]syscall.Signal{syscall.VINTR: syscall.SIGINT, syscall.VQUIT: syscall.SIGQUIT} {
		if t.Cc[i] != 0 && bytes.IndexByte(keys, t.Cc[i]) >= 0 {
			st.typed.Store(&typed{sig, time.Now()})
		}
	}
}

func isTerminal(fd int) bool {
	var t syscall.Termios
	return ioctl(fd, syscall.TCGETS, unsafe.Pointer(&t)) == nil
}

// inForeground reports whether our process group may read the terminal. In the
// background a change of its settings would stop us (SIGTTOU).
func inForeground() bool {
	var group int32
	return ioctl(0, syscall.TIOCGPGRP, unsafe.Pointer(&group)) == nil && int(group) == syscall.Getpgrp()
}

// rawTerminal is makeRaw for our terminal, and tells those of our outputs that
// go to it.
func (s *supervisor) rawTerminal(terminal [3]bool) (restore func()) {
	back := makeRaw(0)
	if back == nil {
		return nil
	}
	set := func(raw bool) {
		s.out.raw.Store(raw && terminal[1])
		s.err.raw.Store(raw && terminal[2])
	}
	set(true)
	return func() { back(); set(false) }
}

// makeRaw lets every key through, and returns what puts the terminal back.
func makeRaw(fd int) (restore func()) {
	var before syscall.Termios
	if ioctl(fd, syscall.TCGETS, unsafe.Pointer(&before)) != nil {
		return nil
	}
	raw := before
	raw.Iflag &^= syscall.IGNBRK | syscall.BRKINT | syscall.PARMRK | syscall.ISTRIP | syscall.INLCR | syscall.IGNCR | syscall.ICRNL | syscall.IXON
	raw.Oflag &^= syscall.OPOST
	raw.Lflag &^= syscall.ECHO | syscall.ECHONL | syscall.ICANON | syscall.ISIG | syscall.IEXTEN
	raw.Cflag = raw.Cflag&^(syscall.CSIZE|syscall.PARENB) | syscall.CS8
	raw.Cc[syscall.VMIN], raw.Cc[syscall.VTIME] = 1, 0
	ioctl(fd, syscall.TCSETS, unsafe.Pointer(&raw))
	return func() { ioctl(fd, syscall.TCSETS, unsafe.Pointer(&before)) }
}

// passOutputThrough leaves the line ends to the outer terminal, so that the
// record has the bytes as the service wrote them.
func passOutputThrough(slave *os.File) {
	control(slave, func(fd int) {
		var t syscall.Termios
		if ioctl(fd, syscall.TCGETS, unsafe.Pointer(&t)) == nil {
			t.Oflag &^= syscall.OPOST
			ioctl(fd, syscall.TCSETS, unsafe.Pointer(&t))
		}
	})
}

// openPTY opens a pseudo-terminal (pty(7)): our end and the service's.
func openPTY() (master, slave *os.File, err error) {
	m, err := syscall.Open("/dev/ptmx", syscall.O_RDWR|syscall.O_NOCTTY|syscall.O_CLOEXEC|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, &os.PathError{Op: "open", Path: "/dev/ptmx", Err: err}
	}
	var number, unlock int32
	err = ioctl(m, syscall.TIOCGPTN, unsafe.Pointer(&number))
	if err == nil {
		err = ioctl(m, syscall.TIOCSPTLCK, unsafe.Pointer(&unlock))
	}
	if err == nil {
		slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	}
	if err != nil {
		syscall.Close(m)
		return nil, nil, err
	}
	return os.NewFile(uintptr(m), "/dev/ptmx"), slave, nil
}

func control(f *os.File, do func(fd int)) {
	if raw, err := f.SyscallConn(); err == nil {
		raw.Control(func(fd uintptr) { do(int(fd)) })
	}
}

func ioctl(fd int, request uintptr, arg unsafe.Pointer) error {
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), request, uintptr(arg)); errno != 0 {
		return errno
	}
	return nil
}
