package filelock

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestOneAloneHasTheLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	first, err := Take(path, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	first.WriteString("me")
	second, err := Take(path, 0o600)
	if !errors.Is(err, ErrTaken) {
		t.Fatalf("the second was told: %v", err)
	}
	if said, _ := os.ReadFile(second.Name()); string(said) != "me" {
		t.Errorf("the second reads %q", said)
	}
	second.Close()
	first.Close()
	third, err := Take(path, 0o600)
	if err != nil {
		t.Fatalf("once it was given back: %v", err)
	}
	third.Close()
}
