package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/aweigh/aweigh"
)

// Bar is a start as a picture of many shows it.
type Bar struct {
	ID      string
	Verdict aweigh.Verdict
	Took    time.Duration // to the verdict; negative where that is not known
	Failed  bool          // it failed, or crashed after it was ready
}

// BarsOf are the last starts of a service of a project ("" for none), at most
// limit, oldest first. Only an index is read: a page has those of hundreds.
func (s *Store) BarsOf(ctx context.Context, project, service string, limit int) ([]Bar, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT id, verdict, took_ms, failed FROM starts WHERE service = ? AND project = ? ORDER BY id DESC LIMIT ?", service, project, limit)
	if err != nil {
		return nil, s.explain(err)
	}
	defer rows.Close()
	var newest []Bar
	for rows.Next() {
		var b Bar
		var tookMS int64
		if err := rows.Scan(&b.ID, &b.Verdict, &tookMS, &b.Failed); err != nil {
			return nil, s.explain(err)
		}
		b.Took = time.Duration(tookMS) * time.Millisecond
		newest = append(newest, b)
	}
	bars := make([]Bar, 0, len(newest))
	for i := len(newest) - 1; i >= 0; i-- {
		bars = append(bars, newest[i])
	}
	return bars, s.explain(rows.Err())
}

// LastGood is the newest start of the same service before one that was proven
// ready. ErrNotFound says that there was none.
func (s *Store) LastGood(ctx context.Context, before aweigh.Start) (aweigh.Start, error) {
	var id string
	err := s.db.QueryRowContext(ctx, "SELECT id FROM starts WHERE service = ? AND project = ? AND id < ? AND verdict = 'ready' ORDER BY id DESC LIMIT 1",
		before.Service, before.Project, before.ID).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return aweigh.Start{}, ErrNotFound
	}
	if err != nil {
		return aweigh.Start{}, s.explain(err)
	}
	return s.Start(ctx, id)
}

// FactsAbout are the facts about an instance, of whose id the beginning is
// enough, between two moments, in the order
// in which they were folded, at most limit.
func (s *Store) FactsAbout(ctx context.Context, instance string, from, to time.Time, limit int) ([]aweigh.Fact, error) {
	return list[aweigh.Fact](ctx, s, "SELECT fact FROM facts WHERE at >= ? AND at <= ? AND instance >= ? AND instance < ? ORDER BY at, seq LIMIT ?", nanos(from), nanos(to), instance, instance+"~", limit)
}

// FirstStart is when the first start that is kept of a service began; zero if
// there is none.
func (s *Store) FirstStart(ctx context.Context, project, service string) (time.Time, error) {
	var at int64
	err := s.db.QueryRowContext(ctx, "SELECT began FROM starts WHERE service = ? AND project = ? ORDER BY id LIMIT 1", service, project).Scan(&at)
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, nil
	}
	return fromNanos(at), s.explain(err)
}

// CountOpen is how many incidents are open.
func (s *Store) CountOpen(ctx context.Context) (n int, err error) {
	err = s.db.QueryRowContext(ctx, "SELECT count(*) FROM incidents WHERE resolved IS NULL").Scan(&n)
	return n, s.explain(err)
}
