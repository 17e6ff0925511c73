package filelock

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
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

// Taken holds the file for a moment as well: a watcher that came up while somebody
// asked for its status ended with "another one works here".
func TestWhoAsksForTheLockDoesNotHaveIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_SH); err != nil { // as Taken does
		t.Fatal(err)
	}
	time.AfterFunc(20*time.Millisecond, func() { f.Close() })
	lock, err := Take(path, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	lock.Close()
}
