package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/notify"
)

// The store is the outbox of package notify.
var _ notify.Outbox = (*Store)(nil)

// Pending returns letters to a route that are neither sent nor dead. One that
// cannot be read is given up here: it must not keep the others from going.
func (s *Store) Pending(ctx context.Context, route string, after int64, limit int) ([]notify.Letter, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT id, note, tries, failed_first, next FROM outbox
		WHERE state = 'pending' AND route = ? AND id > ? ORDER BY id LIMIT ?`, route, after, limit)
	if err != nil {
		return nil, s.explain(err)
	}
	defer rows.Close()
	var all []notify.Letter
	var unreadable []int64
	var why error
	for rows.Next() {
		l := notify.Letter{Route: route, Notification: &aweigh.Notification{}}
		var note string
		var first, next int64
		if err := rows.Scan(&l.ID, &note, &l.Tries, &first, &next); err != nil {
			return nil, s.explain(err)
		}
		if err := json.Unmarshal([]byte(note), l.Notification); err != nil {
			unreadable, why = append(unreadable, l.ID), err
			continue
		}
		l.FailedFirst, l.Next = fromNanos(first), fromNanos(next)
		all = append(all, l)
	}
	if err := rows.Err(); err != nil || why == nil {
		return all, s.explain(err)
	}
	rows.Close()
	return all, s.Dead(ctx, unreadable, fmt.Sprintf("the letter cannot be read: %v", why), time.Now())
}

// Sent marks letters as taken.
func (s *Store) Sent(ctx context.Context, ids []int64) error {
	return s.mark(ctx, ids, "state = 'sent', why = '', ended = ?", time.Now().UnixNano())
}

// Failed counts a try.
func (s *Store) Failed(ctx context.Context, ids []int64, why string, at, next time.Time) error {
	return s.mark(ctx, ids, "tries = tries + 1, why = ?, next = ?, failed_first = CASE failed_first WHEN 0 THEN ? ELSE failed_first END",
		why, nanos(next), nanos(at))
}

// Dead gives letters up.
func (s *Store) Dead(ctx context.Context, ids []int64, why string, at time.Time) error {
	return s.mark(ctx, ids, "state = 'dead', tries = tries + 1, why = ?, ended = ?", why, nanos(at))
}

// Abandon gives up the letters to routes that are not configured any more, and says
// how many.
func (s *Store) Abandon(ctx context.Context, routes []string) (n int64, err error) {
	query := "UPDATE outbox SET state = 'dead', why = 'the route is not configured any more', ended = ? WHERE state = 'pending'"
	args := []any{time.Now().UnixNano()}
	if len(routes) > 0 {
		query += " AND route NOT IN (" + strings.TrimSuffix(strings.Repeat("?,", len(routes)), ",") + ")"
		for _, r := range routes {
			args = append(args, r)
		}
	}
	result, err := s.w.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, s.explain(err)
	}
	n, err = result.RowsAffected()
	return n, s.explain(err)
}

func (s *Store) mark(ctx context.Context, ids []int64, set string, args ...any) error {
	if len(ids) == 0 {
		return nil
	}
	for _, id := range ids {
		args = append(args, id)
	}
	in := strings.TrimSuffix(strings.Repeat("?,", len(ids)), ",")
	_, err := s.w.ExecContext(ctx, "UPDATE outbox SET "+set+" WHERE id IN ("+in+")", args...)
	return s.explain(err)
}

// Posted is a letter as people see it.
type Posted struct {
	ID           int64               `json:"id"`
	Route        string              `json:"route"`
	State        string              `json:"state"` // pending, sent, dead
	Tries        int                 `json:"tries"`
	Why          string              `json:"why,omitempty"`
	Next         *time.Time          `json:"next,omitempty"`
	Ended        *time.Time          `json:"ended,omitempty"`
	Notification aweigh.Notification `json:"notification"`
}

// Letters are those of a state ("" is any), newest first.
func (s *Store) Letters(ctx context.Context, state string, limit int) ([]Posted, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT id, route, state, tries, why, next, ended, note FROM outbox
		WHERE ? IN ('', state) ORDER BY id DESC LIMIT ?`, state, orLimit(limit))
	if err != nil {
		return nil, s.explain(err)
	}
	defer rows.Close()
	all := []Posted{}
	for rows.Next() {
		var p Posted
		var next, ended int64
		var note string
		if err := rows.Scan(&p.ID, &p.Route, &p.State, &p.Tries, &p.Why, &next, &ended, &note); err != nil {
			return nil, s.explain(err)
		}
		json.Unmarshal([]byte(note), &p.Notification) // of what cannot be read the rest is told
		p.Next, p.Ended = orNil(next), orNil(ended)
		all = append(all, p)
	}
	return all, s.explain(rows.Err())
}

// Undelivered is how many letters wait, and how many were given up.
func (s *Store) Undelivered(ctx context.Context) (waiting, dead int, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM outbox WHERE state = 'pending'),
		(SELECT count(*) FROM outbox WHERE state = 'dead')`).Scan(&waiting, &dead)
	return waiting, dead, s.explain(err)
}

func orNil(n int64) *time.Time {
	if n == 0 {
		return nil
	}
	t := fromNanos(n)
	return &t
}
