package watch

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestOneWatcherAloneWorksOnAStateDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "aweigh")
	unlock, err := lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lock(dir); err == nil || !strings.Contains(err.Error(), "another `aweigh watch` works on "+dir) {
		t.Errorf("the second watcher was told: %v", err)
	}
	unlock()
	unlock, err = lock(dir)
	if err != nil {
		t.Fatalf("after the first has ended: %v", err)
	}
	unlock()
}
