package supervise

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/record"
)

// A network file system that went away kept a supervisor whose service had
// crashed: it wanted to read how the starts before had ended.
func TestADiskThatHangsDoesNotHoldTheEndUp(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	s := &supervisor{Config: Config{Service: "web", Limits: record.Limits{Count: 1}}, id: aweigh.NewID(now), tell: newTeller(nil, nil)}
	s.rec = record.Begin(dir, record.Event{Service: s.Service, Start: s.id}, now, 1<<20, func(text string) { t.Error(text) })
	if s.rec.Dir() == nil {
		t.Fatal("no record")
	}
	hang(t, filepath.Join(dir, s.Service))
	ended := make(chan struct{})
	go func() {
		s.past()
		s.close()
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(30 * time.Second):
		t.Error("it hangs with the disk")
	}
}

// hang covers a directory by a file system that answers nothing (FUSE, before its
// INIT), until the test ends.
func hang(t *testing.T, dir string) {
	fuse, err := syscall.Open("/dev/fuse", syscall.O_RDWR|syscall.O_CLOEXEC, 0)
	if err != nil {
		t.Skip(err)
	}
	err = syscall.Mount("hang", dir, "fuse", 0, fmt.Sprintf("fd=%d,rootmode=40000,user_id=0,group_id=0", fuse))
	if err != nil {
		syscall.Close(fuse)
		t.Skip(os.NewSyscallError("mount", err))
	}
	t.Cleanup(func() {
		syscall.Close(fuse) // whoever waits for it gets an error
		syscall.Unmount(dir, syscall.MNT_DETACH)
	})
}
