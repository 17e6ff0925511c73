package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/aweigh/aweigh"
)

// FactsOf are the facts of some kinds since a moment, in the order in which
// they were folded.
func (s *Store) FactsOf(ctx context.Context, since time.Time, kinds ...aweigh.FactKind) ([]aweigh.Fact, error) {
	args := []any{nanos(since)}
	for _, k := range kinds {
		args = append(args, string(k))
	}
	in := strings.TrimSuffix(strings.Repeat("?,", len(kinds)), ",")
	return list[aweigh.Fact](ctx, s, "SELECT fact FROM facts WHERE at >= ? AND kind IN ("+in+") ORDER BY seq", args...)
}

// FirstFact is when the oldest fact that is kept happened; zero if there is
// none.
func (s *Store) FirstFact(ctx context.Context) (time.Time, error) {
	var at sql.NullInt64
	err := s.db.QueryRowContext(ctx, "SELECT min(at) FROM facts").Scan(&at)
	return fromNanos(at.Int64), s.explain(err)
}

// Taken are the letters that the other side has taken since a moment, oldest
// first, without the pages of reports.
func (s *Store) Taken(ctx context.Context, since time.Time) ([]Posted, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT id, route, tries, ended, note FROM outbox WHERE state = 'sent' AND ended >= ? ORDER BY ended", nanos(since))
	if err != nil {
		return nil, s.explain(err)
	}
	defer rows.Close()
	var all []Posted
	for rows.Next() {
		p := Posted{State: "sent"}
		var ended int64
		var note string
		if err := rows.Scan(&p.ID, &p.Route, &p.Tries, &ended, &note); err != nil {
			return nil, s.explain(err)
		}
		if err := json.Unmarshal([]byte(note), &p.Notification); err != nil {
			return nil, s.explain(err)
		}
		p.Ended, p.Notification.Page = orNil(ended), nil
		all = append(all, p)
	}
	return all, s.explain(rows.Err())
}

// Depth counts the letters of each route and state.
func (s *Store) Depth(ctx context.Context) (map[[2]string]int, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT route, state, count(*) FROM outbox GROUP BY route, state")
	if err != nil {
		return nil, s.explain(err)
	}
	defer rows.Close()
	all := map[[2]string]int{}
	for rows.Next() {
		var route, state string
		var n int
		if err := rows.Scan(&route, &state, &n); err != nil {
			return nil, s.explain(err)
		}
		all[[2]string{route, state}] = n
	}
	return all, s.explain(rows.Err())
}

// HasLetter reports whether there is a letter of a notification for a route,
// in whatever state.
func (s *Store) HasLetter(ctx context.Context, route, notification string) (there bool, err error) {
	err = s.db.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM outbox WHERE route = ? AND notification = ?)", route, notification).Scan(&there)
	return there, s.explain(err)
}

// LetterID is the id of the letter of a notification for a route; 0 for none.
func (s *Store) LetterID(ctx context.Context, route, notification string) (id int64, err error) {
	err = s.db.QueryRowContext(ctx, "SELECT id FROM outbox WHERE route = ? AND notification = ?", route, notification).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return id, s.explain(err)
}

// Readings are the first readings of a signal since a moment, oldest first, at
// most limit.
func (s *Store) Readings(ctx context.Context, signal string, since time.Time, limit int) ([]aweigh.Fact, error) {
	return list[aweigh.Fact](ctx, s, "SELECT fact FROM facts WHERE at >= ? AND kind = 'signal' AND json_extract(fact, '$.reading.name') = ? ORDER BY at LIMIT ?",
		nanos(since), signal, limit)
}
