package store

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"time"
)

// beatKey is the row of the state that says when a watcher was last there. It
// is not the fold's, which ignores it.
const beatKey = "beat:"

// Beat notes that a watcher is there. Facts alone do not tell: on a quiet host
// there are none for hours.
func (s *Store) Beat(ctx context.Context, at time.Time) error {
	_, err := s.w.ExecContext(ctx, "INSERT INTO state (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
		beatKey, strconv.FormatInt(nanos(at), 10))
	return s.explain(err)
}

// LastBeat is when a watcher was last there, to within the pause between its
// beats; zero if there never was one.
func (s *Store) LastBeat(ctx context.Context) (time.Time, error) {
	last, err := s.LastFact(ctx)
	if err != nil {
		return last, err
	}
	var text string
	err = s.db.QueryRowContext(ctx, "SELECT value FROM state WHERE key = ?", beatKey).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return last, nil
	}
	if n, _ := strconv.ParseInt(text, 10, 64); n > nanos(last) {
		last = fromNanos(n)
	}
	return last, s.explain(err)
}
