package watch

import (
	"context"
	"slices"
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
	moved   map[int64]letterKey // were in memory, and are in the store now
	last    int64
}

type letterKey struct{ notification, route string }

// memoryIDs begin here: above all that the store will ever give.
const memoryIDs = int64(1) << 60

func newMailbag(st *store.Store) *mailbag {
	return &mailbag{Store: st, known: map[letterKey]bool{}, sent: map[letterKey]bool{}, moved: map[int64]letterKey{}, last: memoryIDs}
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
	if len(b.sent) == 0 {
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

// stored forgets what the store has now. One that was sent from memory while the
// store took it is marked there; one that is being sent is remembered by both ids.
func (b *mailbag) stored(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, l := range b.letters {
		b.moved[l.ID] = letterKey{l.Notification.ID, l.Route}
	}
	b.letters = nil
	clear(b.known)
	var ids []int64
	for key := range b.sent {
		id, err := b.Store.LetterID(ctx, key.route, key.notification)
		if err != nil {
			return err
		}
		if id > 0 {
			ids = append(ids, id)
		}
	}
	if err := b.Store.Sent(ctx, ids); err != nil {
		return err
	}
	clear(b.sent)
	return nil
}

// Pending are the store's letters, then those in memory that it has not.
func (b *mailbag) Pending(ctx context.Context, route string, after int64, limit int) ([]notify.Letter, error) {
	all, err := b.Store.Pending(ctx, route, after, limit)
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, l := range b.letters {
		if l.Route != route || l.ID <= after || len(all) >= limit {
			continue
		}
		if there, failed := b.Store.HasLetter(ctx, route, l.Notification.ID); failed == nil && there {
			continue // it was stored a moment ago
		}
		all, err = append(all, l), nil // a disk that refuses may not be read either
	}
	return all, err
}

// each sorts ids by where their letters are now. It returns those in the store; of
// those in memory it changes each, and drops those of which change says so.
func (b *mailbag) each(ctx context.Context, ids []int64, change func(l *notify.Letter) (drop bool)) (inStore []int64, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var inMemory []int64
	for _, id := range ids {
		key, moved := b.moved[id]
		switch {
		case moved:
			id, err := b.Store.LetterID(ctx, key.route, key.notification)
			if err != nil {
				return nil, err
			}
			inStore = append(inStore, id)
		case id > memoryIDs:
			inMemory = append(inMemory, id)
		default:
			inStore = append(inStore, id)
		}
	}
	kept := b.letters[:0]
	for _, l := range b.letters {
		drop := false
		if slices.Contains(inMemory, l.ID) {
			drop = change(&l)
		}
		if !drop {
			kept = append(kept, l)
		}
	}
	b.letters = kept
	return inStore, nil
}

// Sent marks letters as taken.
func (b *mailbag) Sent(ctx context.Context, ids []int64) error {
	inStore, err := b.each(ctx, ids, func(l *notify.Letter) bool {
		b.sent[letterKey{l.Notification.ID, l.Route}] = true
		return true
	})
	if err != nil {
		return err
	}
	return b.Store.Sent(ctx, inStore)
}

// Failed counts a try.
func (b *mailbag) Failed(ctx context.Context, ids []int64, why string, at, next time.Time) error {
	inStore, err := b.each(ctx, ids, func(l *notify.Letter) bool {
		l.Tries++
		l.Next = next
		if l.FailedFirst.IsZero() {
			l.FailedFirst = at
		}
		return false
	})
	if err != nil {
		return err
	}
	return b.Store.Failed(ctx, inStore, why, at, next)
}

// Dead gives letters up.
func (b *mailbag) Dead(ctx context.Context, ids []int64, why string, at time.Time) error {
	inStore, err := b.each(ctx, ids, func(l *notify.Letter) bool { return true })
	if err != nil {
		return err
	}
	return b.Store.Dead(ctx, inStore, why, at)
}
