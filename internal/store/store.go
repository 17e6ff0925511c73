// Package store keeps what a watcher has seen and concluded: facts, the fold's
// state, starts, incidents, and the outbox, in one SQLite file.
//
//	st, err := store.Open("/var/lib/aweigh")
//	err = st.Commit(ctx, store.Batch{Facts: facts, Changes: changes, Letters: letters})
//	open, err := st.Incidents(ctx, store.IncidentQuery{Open: true})
//
// A fact, the state that it changed and the letters that follow from it are
// one transaction, brought to the disk before Commit returns (WAL with
// synchronous=FULL): a kill -9 loses no fact and no letter. Several processes
// may read while the watcher writes.
package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver, without cgo
)

//go:embed migrations/*.sql
var migrations embed.FS

// File is the name of the database in the state directory.
const File = "watch.db"

// ErrNone says that there is no store yet.
var ErrNone = errors.New("no watcher has kept anything here yet: start `aweigh watch`, or name its --state")

// Store is an open database. Its methods may be called from several
// goroutines.
type Store struct {
	db   *sql.DB // reads
	w    *sql.DB // writes: one connection, so that nothing waits for a lock
	path string
	// posted counts what this process has left in the inbox and taken from it, which
	// SQLite does not call a change by another connection.
	posted atomic.Int64

	mu       sync.Mutex
	prepared map[string]*sql.Stmt // for Commit
}

// Open opens the store in the state directory dir, to write. It makes what is
// missing and brings older stores up to date.
func Open(ctx context.Context, dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("state directory: %w", err)
	}
	path := filepath.Join(dir, File)
	w, err := open(path, "rwc")
	if err != nil {
		return nil, err
	}
	w.SetMaxOpenConns(1)
	s := &Store{w: w, path: path}
	if err := s.migrate(ctx); err != nil {
		err = s.sound(ctx, err)
		w.Close()
		return nil, err
	}
	for _, suffix := range []string{"", "-wal", "-shm"} { // made before, or left by a watcher that was killed
		os.Chmod(path+suffix, 0o640)
	}
	if s.db, err = open(path, "ro"); err != nil {
		w.Close()
		return nil, err
	}
	return s, nil
}

// OpenToRead opens an existing store, to read and to post facts into its
// inbox. It returns ErrNone if there is none.
func OpenToRead(ctx context.Context, dir string) (*Store, error) {
	path := filepath.Join(dir, File)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNone
	}
	db, err := open(path, "rw")
	if err != nil {
		return nil, err
	}
	s := &Store{db: db, w: db, path: path}
	if _, err := s.Version(ctx); err != nil {
		db.Close()
		return nil, err
	}
	return s, nil
}

func open(path, mode string) (*sql.DB, error) {
	// The path is escaped for the URI, in which ? and # would end it.
	escaped := strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(path)
	pragmas := "&_pragma=busy_timeout(5000)&_pragma=synchronous(FULL)&_pragma=foreign_keys(ON)&_pragma=cache_size(-2000)&_pragma=temp_store(MEMORY)"
	if mode == "rwc" {
		pragmas += "&_pragma=journal_mode(WAL)&_pragma=wal_autocheckpoint(1000)&_txlock=immediate"
	}
	db, err := sql.Open("sqlite", "file:"+escaped+"?mode="+mode+pragmas)
	if err != nil {
		return nil, fmt.Errorf("store %s: %w", path, err)
	}
	db.SetMaxOpenConns(4)
	return db, nil
}

func (s *Store) migrate(ctx context.Context) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	for try := 0; ; try++ {
		provider, err := goose.NewProvider(goose.DialectSQLite3, s.w, files)
		if err != nil {
			return err
		}
		// What is there already another process has just made.
		if _, err = provider.Up(ctx); err == nil || try == 2 || !strings.Contains(err.Error(), "already exists") {
			return err
		}
	}
}

// sound explains an error, which may be about anything where the file is damaged.
func (s *Store) sound(ctx context.Context, err error) error {
	var told string
	if check := s.w.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&told); check == nil && told != "ok" {
		return &Damaged{Path: s.path, Err: errors.New(told)}
	}
	return s.explain(err)
}

// Close closes the store.
func (s *Store) Close() error {
	if s.db == s.w {
		return s.db.Close()
	}
	return errors.Join(s.db.Close(), s.w.Close())
}

// Path is the database's file.
func (s *Store) Path() string { return s.path }

// Version changes whenever another connection has changed the store, Post has, or
// something was taken from the inbox.
func (s *Store) Version(ctx context.Context) (n int64, err error) {
	err = s.w.QueryRowContext(ctx, "PRAGMA data_version").Scan(&n)
	return n + s.posted.Load(), s.explain(err)
}

// explain says what to do about an error of the database.
func (s *Store) explain(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	switch {
	case strings.Contains(text, "unable to open") && errors.Is(readable(s.path), fs.ErrPermission):
		return fmt.Errorf("store %s: it cannot be read: run as the user that owns it: %w", s.path, fs.ErrPermission)
	case strings.Contains(text, "malformed") || strings.Contains(text, "not a database"):
		return &Damaged{Path: s.path, Err: err}
	case strings.Contains(text, "disk is full") || strings.Contains(text, "no space"):
		return fmt.Errorf("store %s: the disk is full: make room; what happens meanwhile is kept in memory: %w", s.path, err)
	case strings.Contains(text, "readonly") || strings.Contains(text, "permission denied"):
		return fmt.Errorf("store %s: it cannot be written: run as the user that owns it: %w", s.path, err)
	}
	return fmt.Errorf("store %s: %w", s.path, err)
}

// readable is why a file cannot be read, which SQLite does not tell.
func readable(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return f.Close()
}

// Damaged says that the file is not a sound database.
type Damaged struct {
	Path string
	Err  error
}

func (d *Damaged) Error() string {
	return fmt.Sprintf("store %s is damaged: %v: move it away (its records of starts are files beside it, and stay)", d.Path, d.Err)
}

func (d *Damaged) Unwrap() error { return d.Err }

// SetAside renames a damaged store in dir out of the way, and returns the name
// that it has now.
func SetAside(dir string, now time.Time) (string, error) {
	from := filepath.Join(dir, File)
	to := from + ".damaged-" + now.UTC().Format("20060102T150405Z")
	for _, suffix := range []string{"-wal", "-shm"} {
		os.Rename(from+suffix, to+suffix)
	}
	return to, os.Rename(from, to)
}

func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func fromNanos(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}
