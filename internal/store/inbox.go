package store

import (
	"context"
	"encoding/json"

	"github.com/aweigh/aweigh"
)

// Post leaves a fact for the watcher: a person's acknowledgement, a
// maintenance window. It may come while no watcher runs.
func (s *Store) Post(ctx context.Context, f aweigh.Fact) error {
	text, err := json.Marshal(f)
	if err != nil {
		return err
	}
	_, err = s.w.ExecContext(ctx, "INSERT INTO inbox (fact) VALUES (?)", string(text))
	s.posted.Add(1)
	return s.explain(err)
}

// Inbox returns the facts that were posted and not folded yet, oldest first,
// with their ids for Batch.Inbox.
func (s *Store) Inbox(ctx context.Context) (ids []int64, facts []aweigh.Fact, err error) {
	rows, err := s.w.QueryContext(ctx, "SELECT id, fact FROM inbox ORDER BY id LIMIT 100")
	if err != nil {
		return nil, nil, s.explain(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		var text string
		var f aweigh.Fact
		if err := rows.Scan(&id, &text); err != nil {
			return nil, nil, s.explain(err)
		}
		json.Unmarshal([]byte(text), &f) // what cannot be read is folded as a fact of no kind
		ids, facts = append(ids, id), append(facts, f)
	}
	return ids, facts, s.explain(rows.Err())
}
