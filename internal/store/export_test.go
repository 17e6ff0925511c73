package store

import "context"

// Pragma sets what only tests do.
func (s *Store) Pragma(ctx context.Context, setting string) error {
	_, err := s.w.ExecContext(ctx, "PRAGMA "+setting)
	return err
}

// Check has SQLite look through all of the file.
func (s *Store) Check(ctx context.Context) (answer string, err error) {
	err = s.w.QueryRowContext(ctx, "PRAGMA integrity_check").Scan(&answer)
	return answer, err
}
