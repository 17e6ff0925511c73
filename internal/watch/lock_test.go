package watch

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestOneWatcherAloneWorksOnAStateDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "aweigh")
	if Running(dir) {
		t.Error("a watcher runs where none ever did")
	}
	unlock, err := lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !Running(dir) {
		t.Error("the watcher that runs is not seen")
	}
	if _, err := lock(dir); err == nil || !strings.Contains(err.Error(), "another `aweigh watch` works on "+dir) {
		t.Errorf("the second watcher was told: %v", err)
	}
	unlock()
	if Running(dir) {
		t.Error("the watcher has ended, and is said to run")
	}
	unlock, err = lock(dir)
	if err != nil {
		t.Fatalf("after the first has ended: %v", err)
	}
	unlock()
}
