package web

import (
	"sync"
	"time"
)

// rested keeps what may take long to work out: one asker works it out, whoever asks
// meanwhile waits for that, and then it is not worked out again for a while.
type rested[T any] struct {
	mu    sync.Mutex
	until time.Time
	value T
}

// get works it out, or returns what is kept. rest says for how long that is, by how
// long the work took.
func (k *rested[T]) get(rest func(took time.Duration) time.Duration, work func() (T, error)) (T, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	began := time.Now()
	if began.Before(k.until) {
		return k.value, nil
	}
	value, err := work()
	if err != nil {
		return value, err
	}
	k.value = value
	took := time.Since(began)
	k.until = began.Add(took + rest(took))
	return value, nil
}
