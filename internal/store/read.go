package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aweigh/aweigh"
)

// State is the fold's state as it was stored, for core.Load.
func (s *Store) State(ctx context.Context) (map[string][]byte, error) {
	return s.state(ctx, "SELECT key, value FROM state")
}

// StateOf are the rows of one kind of the fold's state: "instance", "service",
// "window", by their keys.
func (s *Store) StateOf(ctx context.Context, kind string) (map[string][]byte, error) {
	return s.state(ctx, "SELECT key, value FROM state WHERE key >= ? AND key < ?", kind+":", kind+";")
}

func (s *Store) state(ctx context.Context, query string, args ...any) (map[string][]byte, error) {
	rows, err := s.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, s.explain(err)
	}
	defer rows.Close()
	all := map[string][]byte{}
	for rows.Next() {
		var key, value string
		if err := rows.Scan(&key, &value); err != nil {
			return nil, s.explain(err)
		}
		all[key] = []byte(value)
	}
	return all, s.explain(rows.Err())
}

// LastFact is when the newest fact happened; zero if there is none.
func (s *Store) LastFact(ctx context.Context) (time.Time, error) {
	var at sql.NullInt64
	err := s.db.QueryRowContext(ctx, "SELECT max(at) FROM facts").Scan(&at)
	return fromNanos(at.Int64), s.explain(err)
}

// Events tells which of the engine's events have been folded: since is when the
// newest one happened, zero if there is none, and told has the identities of it
// and of those in the quarter of an hour before, which the engine may tell again.
// What the watcher itself observed (an inspection, an answer) does not count: it
// says nothing about events that were still on their way.
func (s *Store) Events(ctx context.Context) (since time.Time, told map[string]bool, err error) {
	const events = " FROM facts WHERE kind IN ('started', 'signalled', 'died', 'stopped', 'oom', 'health') AND instance NOT LIKE 'run:%'"
	var at int64
	err = s.w.QueryRowContext(ctx, "SELECT at"+events+" ORDER BY at DESC LIMIT 1").Scan(&at)
	if errors.Is(err, sql.ErrNoRows) {
		// Nothing has happened yet since somebody began to watch.
		err = s.w.QueryRowContext(ctx, "SELECT coalesce(min(at), 0) FROM facts").Scan(&at)
	}
	if err != nil {
		return since, nil, s.explain(err)
	}
	since, told = fromNanos(at), map[string]bool{}
	rows, err := s.w.QueryContext(ctx, "SELECT coalesce(json_extract(fact, '$.id'), '') FROM facts WHERE at >= ?", nanos(since.Add(-15*time.Minute)))
	if err != nil {
		return since, nil, s.explain(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return since, nil, s.explain(err)
		}
		told[id] = true
	}
	return since, told, s.explain(rows.Err())
}

// Facts are those since a moment, in the order in which they were folded, at
// most limit.
func (s *Store) Facts(ctx context.Context, since time.Time, limit int) ([]aweigh.Fact, error) {
	return list[aweigh.Fact](ctx, s, "SELECT fact FROM facts WHERE at >= ? ORDER BY seq LIMIT ?", nanos(since), limit)
}

// StartQuery chooses starts. Zero values choose all.
type StartQuery struct {
	Service string
	Project string // "" is any
	Exactly bool   // Project "" is none
	Since   time.Time
	Before  string // only those with a smaller id: the next page
	Failed  bool
	Limit   int // 0 is 1,000
}

// Starts are the chosen starts, newest first.
func (s *Store) Starts(ctx context.Context, q StartQuery) ([]aweigh.Start, error) {
	var w where
	w.add(q.Service != "", "service = ?", q.Service)
	w.add(q.Project != "" || q.Exactly, "project = ?", q.Project)
	w.add(q.Before != "", "id < ?", strings.ToUpper(q.Before))
	w.add(!q.Since.IsZero(), "began >= ?", nanos(q.Since))
	w.add(q.Failed, "failed = 1")
	return list[aweigh.Start](ctx, s, "SELECT start FROM starts"+w.String()+" ORDER BY id DESC LIMIT ?", append(w.args, orLimit(q.Limit))...)
}

// Start is the start whose id begins with prefix (4 characters at least).
// ErrNotFound and ErrAmbiguous are what may be wrong with it.
func (s *Store) Start(ctx context.Context, prefix string) (aweigh.Start, error) {
	return one[aweigh.Start](ctx, s, "starts", "start", prefix)
}

// IncidentQuery chooses incidents. Zero values choose all.
type IncidentQuery struct {
	Service string
	Project string // "" is any
	Exactly bool   // Project "" is none
	Start   string // only those that this start is part of
	Before  string // only those with a smaller id: the next page
	Open    bool
	Since   time.Time // opened, or still open then
	Limit   int       // 0 is 1,000
}

// Incidents are the chosen incidents, newest first.
func (s *Store) Incidents(ctx context.Context, q IncidentQuery) ([]aweigh.Incident, error) {
	var w where
	w.add(q.Service != "", "service = ?", q.Service)
	w.add(q.Project != "" || q.Exactly, "coalesce(json_extract(incident, '$.project'), '') = ?", q.Project)
	w.add(q.Start != "", "EXISTS (SELECT 1 FROM json_each(incident, '$.starts') WHERE value = ?)", q.Start)
	w.add(q.Before != "", "id < ?", strings.ToUpper(q.Before))
	w.add(q.Open, "resolved IS NULL")
	w.add(!q.Since.IsZero(), "(resolved IS NULL OR resolved >= ?)", nanos(q.Since))
	return list[aweigh.Incident](ctx, s, "SELECT incident FROM incidents"+w.String()+" ORDER BY id DESC LIMIT ?", append(w.args, orLimit(q.Limit))...)
}

// Incident is the incident whose id begins with prefix.
func (s *Store) Incident(ctx context.Context, prefix string) (aweigh.Incident, error) {
	return one[aweigh.Incident](ctx, s, "incidents", "incident", prefix)
}

// Errors of looking one thing up.
var (
	ErrNotFound  = errors.New("there is none")
	ErrAmbiguous = errors.New("several ids begin so: give more of it")
)

func one[T any](ctx context.Context, s *Store, table, column, prefix string) (found T, err error) {
	prefix = strings.ToUpper(prefix)
	if len(prefix) < 4 || strings.Trim(prefix, "0123456789ABCDEFGHJKMNPQRSTVWXYZ") != "" {
		return found, ErrNotFound
	}
	all, err := list[T](ctx, s, fmt.Sprintf("SELECT %s FROM %s WHERE id >= ? AND id < ? LIMIT 2", column, table), prefix, prefix+"~")
	switch {
	case err != nil:
		return found, err
	case len(all) == 0:
		return found, ErrNotFound
	case len(all) > 1:
		return found, ErrAmbiguous
	}
	return all[0], nil
}

func list[T any](ctx context.Context, s *Store, query string, args ...any) ([]T, error) {
	rows, err := s.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, s.explain(err)
	}
	defer rows.Close()
	all := []T{}
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, s.explain(err)
		}
		var value T
		if err := json.Unmarshal([]byte(text), &value); err != nil {
			return nil, fmt.Errorf("store %s: a row cannot be read: %w", s.path, err)
		}
		all = append(all, value)
	}
	return all, s.explain(rows.Err())
}

func orLimit(n int) int {
	if n <= 0 {
		return 1000
	}
	return n
}

// where collects conditions.
type where struct {
	parts []string
	args  []any
}

func (w *where) add(on bool, condition string, args ...any) {
	if on {
		w.parts = append(w.parts, condition)
		w.args = append(w.args, args...)
	}
}

func (w *where) String() string {
	if len(w.parts) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(w.parts, " AND ")
}
