package signals

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"modernc.org/sqlite" // registers "sqlite" too
)

// sqliteDialect writes times as CURRENT_TIMESTAMP does, so that they compare
// with what it stored.
var sqliteDialect = dialect{
	name:        "sqlite",
	placeholder: func(n int, _ string) string { return "?" + strconv.Itoa(n) },
	layout:      time.DateTime,
	bracket:     true,
}

// openSQLite reads sqlite:PATH, sqlite:///PATH. The database belongs to
// somebody else, who writes to it meanwhile: it is opened for reading, and no
// file is ever made beside it.
func openSQLite(s Signal, _ []string, _ *secrets) (ask, error) {
	path := strings.TrimPrefix(strings.TrimPrefix(s.Source, "sqlite:"), "//")
	if path == "" {
		return nil, errors.New("names no file: write sqlite:///data/app.db")
	}
	if strings.Contains(path, "?") {
		return nil, errors.New("sqlite takes no options: write the path alone (? as %3F)")
	}
	path, err := url.PathUnescape(path)
	if err != nil {
		return nil, fmt.Errorf("%w: write %% as %%25", err)
	}
	if strings.ContainsRune(path, 0) || path == ":memory:" {
		return nil, errors.New("names no file")
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(s.Dir, path)
	}
	query, names, err := sqliteDialect.bind(s.Query)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, w window) (answer, error) {
		a, err := askSQLite(ctx, path, query, w.values(names, sqliteDialect.layout))
		if err != nil {
			return nil, fmt.Errorf("sqlite %s: %w", path, err)
		}
		return a, nil
	}, nil
}

func askSQLite(ctx context.Context, path, query string, args []any) (answer, error) {
	for {
		before, err := lookAtSQLite(ctx, path)
		if err != nil {
			return nil, err
		}
		// With readonly_shm the index of the write-ahead log is only read, as it
		// would be on a read-only volume: a reader that may write to it can hold up
		// its owner, who has perhaps never heard of SQLITE_BUSY.
		options := "?mode=ro&readonly_shm=1&_query_only=1&_busy_timeout=" + strconv.Itoa(busyMilliseconds(ctx))
		if before.still {
			options += "&immutable=1"
		}
		a, err := querySQLite(ctx, sqliteURI(path, options), query, args)
		if passing(err) && pause(ctx) {
			continue
		}
		if !before.still || ctx.Err() != nil {
			return a, err
		}
		// Nothing was locked: what was read is good if nobody wrote.
		if after, lookErr := lookAtSQLite(ctx, path); lookErr == nil && after == before {
			return a, err
		}
	}
}

// passing reports whether an error is one of the moment in which the owner
// opens or closes its log: its index is not there yet, or not any more.
func passing(err error) bool {
	var said *sqlite.Error
	if !errors.As(err, &said) {
		return false
	}
	const readOnlyRecovery, readOnlyCantInit, cantOpen = 264, 1288, 14 // https://www.sqlite.org/rescode.html
	code := said.Code()
	return code == readOnlyRecovery || code == readOnlyCantInit || code&0xff == cantOpen
}

// pause waits for a moment, if there is time for another.
func pause(ctx context.Context) bool {
	const moment = 20 * time.Millisecond
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < 2*moment {
		return false
	}
	select {
	case <-ctx.Done():
		return false
	case <-time.After(moment):
		return true
	}
}

func sqliteURI(path, options string) string { return "file:" + url.PathEscape(path) + options }

func querySQLite(ctx context.Context, dsn, query string, args []any) (answer, error) {
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	return firstRow(rows)
}

// busyMilliseconds is how long to wait for a lock: less than there is, so that
// the error says that it was locked rather than that time was up.
func busyMilliseconds(ctx context.Context) int {
	const most = 5 * time.Second
	if deadline, ok := ctx.Deadline(); ok {
		return int(max(1, min(most, time.Until(deadline)/2).Milliseconds()))
	}
	return int(most.Milliseconds())
}

// sqliteFile is how a database lies there.
type sqliteFile struct {
	// still: it keeps a write-ahead log, but nobody has it open now. To read it
	// in the ordinary way SQLite would make the files -wal and -shm, even
	// read-only, and leave them (https://www.sqlite.org/wal.html#readonly).
	still bool
	size  int64
	wrote time.Time
}

// lookAtSQLite does not open the file itself: closing it would drop all locks
// that SQLite has on it anywhere in this process (https://www.sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_).
func lookAtSQLite(ctx context.Context, path string) (sqliteFile, error) {
	stat, err := os.Stat(path)
	switch {
	case err != nil:
		return sqliteFile{}, noPath(err)
	case !stat.Mode().IsRegular():
		return sqliteFile{}, errors.New("is no regular file")
	case stat.Size() == 0:
		return sqliteFile{}, errors.New("is empty: has its service made its tables?")
	}
	file := sqliteFile{size: stat.Size(), wrote: stat.ModTime()}
	if _, err := os.Stat(path + "-shm"); err == nil {
		return file, nil
	}
	log, err := os.Stat(path + "-wal")
	if err == nil && log.Size() > 0 {
		return file, fmt.Errorf("has a write-ahead log (%s-wal) but no %[1]s-shm: it was copied, or is held exclusively; let its own program open it once", filepath.Base(path))
	}
	file.still, err = keepsLog(ctx, path)
	return file, err
}

// keepsLog reads from the header whether a database has a write-ahead log when
// it is open: the 20th byte is 2 then (https://www.sqlite.org/fileformat.html).
// immutable takes no locks and makes no files.
func keepsLog(ctx context.Context, path string) (bool, error) {
	a, err := querySQLite(ctx, sqliteURI(path, "?mode=ro&immutable=1"),
		"SELECT substr(data, 20, 1) = x'02' AS log FROM sqlite_dbpage WHERE pgno = 1", nil)
	return a["log"].number == 1, err
}

// noPath leaves out the path that an error of os repeats.
func noPath(err error) error {
	var at *os.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}
