package supervise

import (
	"strings"
	"testing"
	"time"

	"github.com/aweigh/aweigh/internal/proc"
)

// A process that waited for a file system in mmap(2) could not be looked at by
// anybody (FUSE, on Linux 6.18): the supervisor hung with it, beyond the deadline
// and deaf to SIGTERM.
func TestALookThatHangsHoldsNothingUp(t *testing.T) {
	answers := make(chan []proc.Look)
	w := &waits{see: func() []proc.Look { return <-answers }}
	began := time.Now()
	for range 100 {
		w.look()
	}
	if took := time.Since(began); took < lookLimit || took > 5*lookLimit {
		t.Errorf("100 looks took %s", took)
	}
	if text := w.sentence(time.Now()); !strings.Contains(text, "hang in the kernel") {
		t.Errorf("it is told as %q", text)
	}
	answers <- []proc.Look{{}}
	for end := time.Now().Add(10 * time.Second); w.looking != nil; w.look() {
		if time.Now().After(end) {
			t.Fatal("what it saw in the end is not taken")
		}
	}
	if len(w.looks) != 1 {
		t.Errorf("it saw %d processes", len(w.looks))
	}
}

// Both wrote to the same maps at each missed deadline, which ends a Go program
// when it is noticed.
func TestNoLookBesideASnapshot(t *testing.T) {
	s := &supervisor{inspecting: true, waits: &waits{see: func() []proc.Look {
		t.Error("it looks")
		return nil
	}}}
	s.sample()
}
