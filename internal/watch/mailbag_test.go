package watch

import (
	"testing"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/store"
)

// bagOf is a mailbag that holds one letter, since the store has refused it.
func bagOf(t *testing.T) (*mailbag, store.Batch, int64) {
	t.Helper()
	st, err := store.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	b := newMailbag(st)
	batch := store.Batch{Letters: []store.Letter{{Route: "mail", Notification: aweigh.Notification{ID: "n1", Occasion: aweigh.OnOpened, At: time.Now()}}}}
	b.hold(batch.Letters)
	held, err := b.Pending(t.Context(), "mail", 0, 10)
	if err != nil || len(held) != 1 {
		t.Fatalf("%v, %v", held, err)
	}
	return b, batch, held[0].ID
}

// pending are the letters that would go.
func pending(t *testing.T, b *mailbag) int {
	t.Helper()
	letters, err := b.Pending(t.Context(), "mail", 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	return len(letters)
}

// The disk took letters again while one of them was being handed over from memory:
// what became of it was noted nowhere, and it went a second time.
func TestALetterThatIsStoredWhileItIsSentIsNotSentAgain(t *testing.T) {
	for name, stored := range map[string]func(b *mailbag, batch store.Batch, id int64) error{
		"taken after the commit": func(b *mailbag, batch store.Batch, id int64) error {
			batch.Letters = b.unsent(batch.Letters)
			if err := b.Commit(t.Context(), batch); err != nil {
				return err
			}
			b.stored(t.Context())
			return b.Sent(t.Context(), []int64{id})
		},
		"taken during the commit": func(b *mailbag, batch store.Batch, id int64) error {
			batch.Letters = b.unsent(batch.Letters)
			if err := b.Sent(t.Context(), []int64{id}); err != nil {
				return err
			}
			if err := b.Commit(t.Context(), batch); err != nil {
				return err
			}
			b.stored(t.Context())
			return nil
		},
		"taken before the commit": func(b *mailbag, batch store.Batch, id int64) error {
			if err := b.Sent(t.Context(), []int64{id}); err != nil {
				return err
			}
			batch.Letters = b.unsent(batch.Letters)
			if err := b.Commit(t.Context(), batch); err != nil {
				return err
			}
			b.stored(t.Context())
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			b, batch, id := bagOf(t)
			if err := stored(b, batch, id); err != nil {
				t.Fatal(err)
			}
			if n := pending(t, b); n != 0 {
				t.Errorf("%d letters would go again", n)
			}
		})
	}
}

// A try that failed meanwhile counts for the letter in the store.
func TestALetterThatIsStoredWhileItFailsKeepsItsTries(t *testing.T) {
	b, batch, id := bagOf(t)
	if err := b.Commit(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	b.stored(t.Context())
	now := time.Now()
	if err := b.Failed(t.Context(), []int64{id}, "451 later", now, now.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	letters, err := b.Pending(t.Context(), "mail", 0, 10)
	if err != nil || len(letters) != 1 || letters[0].Tries != 1 {
		t.Errorf("%+v, %v", letters, err)
	}
}
