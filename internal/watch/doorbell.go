package watch

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"sync"
	"syscall"
)

// doorbell rings when something is made in a directory, or in one of those
// that are in it (inotify(7)). Looking at hundreds of directories ten times a
// second instead would cost more than all else that the watcher does.
type doorbell struct {
	rung chan struct{}

	fd      int
	file    *os.File
	done    chan struct{}
	mu      sync.Mutex
	names   map[int32]string // by watch descriptor; "" is the directory itself
	changed map[string]bool  // since they were last asked for
}

// newDoorbell watches a directory; add adds those in it.
func newDoorbell(dir string) (*doorbell, error) {
	fd, err := syscall.InotifyInit1(syscall.IN_NONBLOCK | syscall.IN_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("inotify_init1", err)
	}
	d := &doorbell{rung: make(chan struct{}, 1), fd: fd, file: os.NewFile(uintptr(fd), "inotify"), done: make(chan struct{}),
		names: map[int32]string{}, changed: map[string]bool{}}
	if err := d.add(dir, ""); err != nil {
		d.file.Close()
		return nil, err
	}
	go d.listen()
	return d, nil
}

// add watches the directory name in dir, too. Twice is as good as once.
func (d *doorbell) add(dir, name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	wd, err := syscall.InotifyAddWatch(d.fd, filepath.Join(dir, name), syscall.IN_CREATE|syscall.IN_MOVED_TO|syscall.IN_ONLYDIR|syscall.IN_DONT_FOLLOW)
	if err != nil {
		return os.NewSyscallError("inotify_add_watch", err)
	}
	d.names[int32(wd)] = name
	return nil
}

// take returns what has changed since it was called last.
func (d *doorbell) take() map[string]bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	changed := d.changed
	d.changed = map[string]bool{}
	return changed
}

func (d *doorbell) close() {
	d.file.Close()
	<-d.done
}

func (d *doorbell) listen() {
	defer close(d.done)
	var buf [4096]byte
	for {
		n, err := d.file.Read(buf[:])
		if err != nil {
			return
		}
		d.mu.Lock()
		for b := buf[:n]; len(b) >= syscall.SizeofInotifyEvent; {
			wd, mask := int32(binary.NativeEndian.Uint32(b)), binary.NativeEndian.Uint32(b[4:])
			switch {
			case mask&syscall.IN_Q_OVERFLOW != 0: // some were lost: look at all
				for _, name := range d.names {
					d.changed[name] = true
				}
			case mask&syscall.IN_IGNORED != 0: // it is gone
				delete(d.names, wd)
			default:
				d.changed[d.names[wd]] = true
			}
			b = b[syscall.SizeofInotifyEvent+binary.NativeEndian.Uint32(b[12:]):]
		}
		d.mu.Unlock()
		select {
		case d.rung <- struct{}{}:
		default:
		}
	}
}
