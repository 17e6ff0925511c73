package watch

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/aweigh/aweigh/internal/filelock"
)

// lockName is the file in the state directory that a watcher has locked.
const lockName = "watch.lock"

// Running reports whether a watcher works on a state directory.
func Running(dir string) bool { return filelock.Taken(filepath.Join(dir, lockName)) }

// lock makes sure that one watcher alone works on a state directory: a second
// one would give up the letters to routes which it does not know, and tell
// everything twice.
func lock(dir string) (unlock func(), err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("state directory: %w", err)
	}
	f, err := filelock.Take(filepath.Join(dir, lockName), 0o640)
	if errors.Is(err, filelock.ErrTaken) {
		f.Close()
		return nil, fmt.Errorf("another `aweigh watch` works on %s: stop it, or name another --state", dir)
	}
	if err != nil {
		return nil, fmt.Errorf("state directory: %w", err)
	}
	return func() { f.Close() }, nil
}
