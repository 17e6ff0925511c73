// Package filelock keeps two processes of this host from doing the same at once, by a
// file that one of them has. The kernel takes it from a process however that ends.
//
//	f, err := filelock.Take(filepath.Join(dir, "watch.lock"), 0o640)
//	defer f.Close()
package filelock

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// ErrTaken says that another process has the lock.
var ErrTaken = errors.New("another process has the lock")

// Take takes the lock that the file at path is; to close the file gives it back. The
// file is made with perm if it is missing, and stays. When another process has the
// lock, the error is ErrTaken and the file is open, for what that process wrote in it.
func Take(path string, perm os.FileMode) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, perm)
	if err != nil {
		return nil, err
	}
	fd := int(f.Fd())
	for end := time.Now().Add(time.Second); ; time.Sleep(time.Millisecond) {
		err = syscall.Flock(fd, syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return f, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			f.Close()
			return nil, fmt.Errorf("%s cannot be locked: %w", path, err)
		}
		// Those who only ask share it for a moment, and are waited for.
		if syscall.Flock(fd, syscall.LOCK_SH|syscall.LOCK_NB) != nil || time.Now().After(end) {
			syscall.Flock(fd, syscall.LOCK_UN)
			return f, ErrTaken
		}
		syscall.Flock(fd, syscall.LOCK_UN) // or two who take it would keep each other from it
	}
}

// Taken reports whether a process has the lock that the file at path is.
func Taken(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	return errors.Is(syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB), syscall.EWOULDBLOCK)
}
