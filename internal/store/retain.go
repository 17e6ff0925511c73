package store

import (
	"context"
	"time"
)

// Retain removes what is older than keep: facts, starts, incidents that were
// resolved, letters that have ended. A start counts from the end of its run, and
// stays as long as that goes on: what has served for longer than keep is what a
// person looks up when it dies. It does so in small steps, so that no commit
// waits for long.
func (s *Store) Retain(ctx context.Context, now time.Time, keep time.Duration) error {
	before := now.Add(-keep).UnixNano()
	for _, statement := range []string{
		"DELETE FROM facts WHERE seq IN (SELECT seq FROM facts WHERE at < ? LIMIT 2000)",
		`DELETE FROM starts WHERE id IN (SELECT id FROM starts WHERE began < ?1
			AND coalesce(unixepoch(json_extract(start, '$.run.ended')) * 1000000000 < ?1, TRUE)
			AND id NOT IN (SELECT json_extract(value, '$.life.start.id') FROM state
				WHERE key >= 'instance:' AND key < 'instance;' AND json_extract(value, '$.life.alive'))
			LIMIT 2000)`,
		"DELETE FROM incidents WHERE id IN (SELECT id FROM incidents WHERE resolved < ? LIMIT 2000)",
		"DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE state <> 'pending' AND ended < ? LIMIT 2000)",
	} {
		for {
			result, err := s.w.ExecContext(ctx, statement, before)
			if err != nil {
				return s.explain(err)
			}
			if n, err := result.RowsAffected(); err != nil || n < 2000 {
				break
			}
		}
	}
	return nil
}
