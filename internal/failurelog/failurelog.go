// Package failurelog keeps the failures of health checks: one line of JSON
// each, rotated, compressed, bounded. Many short-lived processes append to one
// file:
//
//	err := failurelog.Append("/var/lib/aweigh/health.log", entry)
package failurelog

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"
)

// Entry is one failure.
type Entry struct {
	Time     time.Time `json:"time"`
	Service  string    `json:"service,omitempty"`
	Target   string    `json:"target,omitempty"`
	Exit     int       `json:"exit"`
	Expected string    `json:"expected"`
	Came     string    `json:"came"`
}

const (
	// MaxBytes is the size at which the log is rotated.
	MaxBytes = 10 << 20
	// Kept is how many compressed predecessors stay: log.1.gz is the newest.
	Kept = 5
)

// Append adds e to the log at path, which it creates, and rotates it first
// when it has reached MaxBytes. It refuses to follow a symbolic link.
func Append(path string, e Entry) error {
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	f, err := open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	// One rotation at a time; whoever comes meanwhile writes into the old one.
	if info, err := f.Stat(); err == nil && info.Size() >= MaxBytes {
		if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			if next, err := rotate(path, f, info); err == nil {
				f.Close()
				f = next
			}
		}
	}
	_, err = f.Write(append(line, '\n'))
	return err
}

func open(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0o640)
}

// rotate moves the log aside, compresses it, and opens a new one. The file
// that was locked must still be the one at path: another process may have
// rotated it just before.
func rotate(path string, locked *os.File, info os.FileInfo) (*os.File, error) {
	if now, err := os.Lstat(path); err != nil || !os.SameFile(now, info) {
		return open(path)
	}
	for n := Kept - 1; n >= 1; n-- {
		if err := os.Rename(numbered(path, n), numbered(path, n+1)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
	}
	aside := path + ".rotating"
	if err := os.Rename(path, aside); err != nil {
		return nil, err
	}
	if err := compress(aside, numbered(path, 1)); err != nil {
		os.Remove(aside) // the disk is full: old failures make room for new ones
	}
	return open(path)
}

func numbered(path string, n int) string { return fmt.Sprintf("%s.%d.gz", path, n) }

func compress(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC|syscall.O_NOFOLLOW, 0o640)
	if err != nil {
		return err
	}
	z, _ := gzip.NewWriterLevel(out, gzip.BestSpeed)
	_, err = io.Copy(z, in)
	if err = errors.Join(err, z.Close(), out.Close()); err != nil {
		os.Remove(to)
		return err
	}
	return os.Remove(from)
}
