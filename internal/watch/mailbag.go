package watch

import (
	"context"
	"sync"
	"time"

	"github.com/aweigh/aweigh/internal/notify"
	"github.com/aweigh/aweigh/internal/store"
)

// mailbag is the outbox in the store and, for as long as the disk refuses, the
// letters that could not be put there: a full disk must not keep people from
// being told.
type mailbag struct {
	*store.Store
	mu      sync.Mutex
	letters []notify.Letter // by ascending ID
	known   map[letterKey]bool
	sent    map[letterKey]bool
	last    int64
}

type letterKey struct{ notification, route string }

// memoryIDs begin here: above all that the store will ever give.
const memoryIDs = int64(1) << 60

func newMailbag(st *store.Store) *mailbag {
	return &mailbag{Store: st, known: map[letterKey]bool{}, sent: map[letterKey]bool{}, last: memoryIDs}
}

// hold takes letters that the store refuses. Those that it has are left.
func (b *mailbag) hold(letters []store.Letter) (fresh bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, l := range letters {
		key := letterKey{l.Notification.ID, l.Route}
		if b.known[key] {
			continue
		}
		b.known[key], fresh = true, true
		b.last++
		note := l.Notification
		b.letters = append(b.letters, notify.Letter{ID: b.last, Route: l.Route, Notification: &note})
	}
	return fresh
}

// unsent leaves out of letters those that were sent from memory.
func (b *mailbag) unsent(letters []store.Letter) []store.Letter {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.known) == 0 {
		return letters
	}
	var kept []store.Letter
	for _, l := range letters {
		if !b.sent[letterKey{l.Notification.ID, l.Route}] {
			kept = append(kept, l)
		}
	}
	return kept
}

// stored forgets what the store has now.
func (b *mailbag) stored() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.letters = nil
	clear(b.known)
	clear(b.sent)
}

// Pending are the store's letters, then those in memory.
func (b *mailbag) Pending(ctx context.Context, route string, after int64, limit int) ([]notify.Letter, error) {
	all, err := b.Store.Pending(ctx, route, after, limit)
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, l := range b.letters {
		if l.Route == route && l.ID > after && len(all) < limit {
			all, err = append(all, l), nil // a disk that refuses may not be read either
		}
	}
	return all, err
}

// split sorts ids by where their letters are.
func split(ids []int64) (inStore, inMemory []int64) {
	for _, id := range ids {
		if id > memoryIDs {
			inMemory = append(inMemory, id)
		} else {
			inStore = append(inStore, id)
		}
	}
	return inStore, inMemory
}

// each changes the letters in memory that ids name, and drops those of which
// change says so.
func (b *mailbag) each(ids []int64, change func(l *notify.Letter) (drop bool)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	kept := b.letters[:0]
	for _, l := range b.letters {
		drop := false
		for _, id := range ids {
			if id == l.ID {
				drop = change(&l)
			}
		}
		if !drop {
			kept = append(kept, l)
		}
	}
	b.letters = kept
}

// Sent marks letters as taken.
func (b *mailbag) Sent(ctx context.Context, ids []int64) error {
	inStore, inMemory := split(ids)
	b.each(inMemory, func(l *notify.Letter) bool {
		b.sent[letterKey{l.Notification.ID, l.Route}] = true
		return true
	})
	return b.Store.Sent(ctx, inStore)
}

// Failed counts a try.
func (b *mailbag) Failed(ctx context.Context, ids []int64, why string, at, next time.Time) error {
	inStore, inMemory := split(ids)
	b.each(inMemory, func(l *notify.Letter) bool {
		l.Tries++
		l.Next = next
		if l.FailedFirst.IsZero() {
			l.FailedFirst = at
		}
		return false
	})
	return b.Store.Failed(ctx, inStore, why, at, next)
}

// Dead gives letters up.
func (b *mailbag) Dead(ctx context.Context, ids []int64, why string, at time.Time) error {
	inStore, inMemory := split(ids)
	b.each(inMemory, func(l *notify.Letter) bool { return true })
	return b.Store.Dead(ctx, inStore, why, at)
}
