package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"maps"
	"slices"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/core"
)

// Batch is what one transaction stores: facts, and what they have changed.
type Batch struct {
	Facts   []aweigh.Fact
	Changes []core.Changes
	Letters []Letter
	Inbox   []int64 // facts that came from the inbox, which are folded now
}

// Letter is a notification for one route.
type Letter struct {
	Route        string
	Notification aweigh.Notification
}

// What a transaction says.
const (
	insertFact    = "INSERT INTO facts (at, kind, instance, fact) VALUES (?, ?, ?, ?)"
	deleteRow     = "DELETE FROM state WHERE key = ?"
	putRow        = "INSERT INTO state (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
	postLetter    = "INSERT INTO outbox (route, notification, note) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
	takeFromInbox = "DELETE FROM inbox WHERE id = ?"
	putStart      = `INSERT INTO starts (id, service, project, began, failed, start) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET failed = excluded.failed, start = excluded.start`
	putIncident = `INSERT INTO incidents (id, service, kind, opened, resolved, incident) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, resolved = excluded.resolved, incident = excluded.incident`
)

var statements = []string{insertFact, deleteRow, putRow, postLetter, takeFromInbox, putStart, putIncident}

// Commit stores a batch, all of it or nothing.
func (s *Store) Commit(ctx context.Context, b Batch) error {
	return s.explain(s.commit(ctx, b))
}

func (s *Store) commit(ctx context.Context, b Batch) (err error) {
	prepared, err := s.prepare(ctx)
	if err != nil {
		return err
	}
	tx, err := s.w.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			tx.Rollback()
		}
	}()
	t := &transaction{tx: tx, prepared: prepared, own: map[string]*sql.Stmt{}}
	for _, f := range b.Facts {
		t.exec(insertFact, nanos(f.At), string(f.Kind), f.Instance, t.json(f))
	}
	last := newest(b.Changes)
	for _, key := range slices.Sorted(maps.Keys(last.rows)) {
		row := last.rows[key]
		if row == nil {
			t.exec(deleteRow, key)
			continue
		}
		t.exec(putRow, key, string(row))
	}
	for _, id := range slices.Sorted(maps.Keys(last.starts)) {
		start := last.starts[id]
		failed := start.Verdict.Failed() || start.Run != nil && (start.Run.End == aweigh.RunCrashed || start.Run.End == aweigh.RunOOMKilled)
		t.exec(putStart, start.ID, start.Service, start.Project, nanos(start.Began), failed, t.json(start))
	}
	for _, id := range slices.Sorted(maps.Keys(last.incidents)) {
		n := last.incidents[id]
		var resolved any
		if n.Resolved != nil {
			resolved = nanos(*n.Resolved)
		}
		t.exec(putIncident, n.ID, n.Service, string(n.Kind), nanos(n.Opened), resolved, t.json(n))
	}
	for _, l := range b.Letters {
		t.exec(postLetter, l.Route, l.Notification.ID, t.json(l.Notification))
	}
	for _, id := range b.Inbox {
		t.exec(takeFromInbox, id)
	}
	if t.err != nil {
		return t.err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	if len(b.Inbox) > 0 {
		s.posted.Add(1) // there may be more in it than Inbox gives at once
	}
	return nil
}

// states are what a batch leaves behind. What changed several times in it is
// stored once, as it was in the end.
type states struct {
	rows      map[string][]byte
	starts    map[string]*aweigh.Start
	incidents map[string]*aweigh.Incident
}

func newest(all []core.Changes) states {
	s := states{map[string][]byte{}, map[string]*aweigh.Start{}, map[string]*aweigh.Incident{}}
	for _, c := range all {
		maps.Copy(s.rows, c.Rows)
		for n := range c.Starts {
			s.starts[c.Starts[n].ID] = &c.Starts[n]
		}
		for n := range c.Incidents {
			s.incidents[c.Incidents[n].ID] = &c.Incidents[n]
		}
	}
	return s
}

// transaction remembers the first error.
type transaction struct {
	tx       *sql.Tx
	prepared map[string]*sql.Stmt
	own      map[string]*sql.Stmt // the same, of this transaction
	err      error
}

func (t *transaction) exec(statement string, args ...any) {
	if t.err != nil {
		return
	}
	stmt := t.own[statement]
	if stmt == nil {
		stmt = t.tx.Stmt(t.prepared[statement])
		t.own[statement] = stmt
	}
	_, t.err = stmt.Exec(args...)
}

func (t *transaction) json(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		t.err = errors.Join(t.err, err)
	}
	return string(b)
}

// prepare prepares what a transaction says once for all: there is one
// connection that writes. It must not be held by a transaction meanwhile.
func (s *Store) prepare(ctx context.Context) (map[string]*sql.Stmt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.prepared == nil {
		prepared := map[string]*sql.Stmt{}
		for _, statement := range statements {
			stmt, err := s.w.PrepareContext(ctx, statement)
			if err != nil {
				return nil, err
			}
			prepared[statement] = stmt
		}
		s.prepared = prepared
	}
	return s.prepared, nil
}
