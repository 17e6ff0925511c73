package store

import (
	"net/url"
	"os"
	"path/filepath"

	"github.com/aweigh/aweigh/internal/filelock"
)

// Turn makes this process the one that delivers the letters of a route, until done
// is called. While another process does, such as a watcher, the error is
// filelock.ErrTaken.
func (s *Store) Turn(route string) (done func(), err error) {
	dir := filepath.Join(filepath.Dir(s.path), "outbox")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	f, err := filelock.Take(filepath.Join(dir, url.PathEscape(route)+".lock"), 0o640)
	if err != nil {
		if f != nil {
			f.Close()
		}
		return nil, err
	}
	return func() { f.Close() }, nil
}
