package watch

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// lockName is the file in the state directory that a watcher has locked.
const lockName = "watch.lock"

// Running reports whether a watcher works on a state directory.
func Running(dir string) bool {
	f, err := os.Open(filepath.Join(dir, lockName))
	if err != nil {
		return false
	}
	defer f.Close()
	return errors.Is(syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB), syscall.EWOULDBLOCK)
}

// lock makes sure that one watcher alone works on a state directory: a second
// one would give up the letters to routes which it does not know, and tell
// everything twice. The kernel lets go of it however the watcher ends.
func lock(dir string) (unlock func(), err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("state directory: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil {
		return nil, fmt.Errorf("state directory: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("another `aweigh watch` works on %s: stop it, or name another --state", dir)
		}
		return nil, fmt.Errorf("state directory %s cannot be locked: %w", dir, err)
	}
	return func() { f.Close() }, nil
}
