package operator

import (
	"os"
	"path/filepath"
	"testing"
)

// Whoever asked without sudo was told that no watcher had been there.
func TestAStoreThatMayNotBeSeenIsNotTakenForNone(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may see everything")
	}
	dir := filepath.Join(t.TempDir(), "aweigh")
	if err := os.Mkdir(dir, 0); err != nil {
		t.Fatal(err)
	}
	if !hidden(dir) || hidden(filepath.Dir(dir)) {
		t.Error("a directory that may not be read, and one without a store, are not told apart")
	}
}
