package watch

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aweigh/aweigh/internal/store"
)

// A store whose first page was sound and whose others were not kept the watcher
// from ever starting again.
func TestAStoreThatIsDamagedFurtherInIsSetAside(t *testing.T) {
	for name, first := range map[string]int{"all but its head": 4096, "where the state is": 3 * 4096} {
		t.Run(name, func(t *testing.T) { damage(t, first) })
	}
}

func damage(t *testing.T, first int) {
	dir := t.TempDir()
	st, err := store.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Beat(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	st.Close()
	file := filepath.Join(dir, store.File)
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i := first; i < len(b); i++ {
		b[i] = 0xA5
	}
	if err := os.WriteFile(file, b, 0o640); err != nil {
		t.Fatal(err)
	}
	st, err = openStore(t.Context(), Config{State: dir, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatalf("openStore: %v", err)
	}
	defer st.Close()
	aside, _ := filepath.Glob(file + ".damaged-*")
	if len(aside) != 1 {
		t.Errorf("set aside: %v", aside)
	}
}
