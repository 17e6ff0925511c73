package store

import (
	"errors"
	"testing"

	"github.com/aweigh/aweigh/internal/filelock"
)

func TestOneProcessDeliversARoute(t *testing.T) {
	s, err := Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	done, err := s.Turn("team/ops")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Turn("team/ops"); !errors.Is(err, filelock.ErrTaken) {
		t.Errorf("the second was told: %v", err)
	}
	other, err := s.Turn("team")
	if err != nil {
		t.Errorf("another route: %v", err)
	} else {
		other()
	}
	done()
	again, err := s.Turn("team/ops")
	if err != nil {
		t.Fatalf("once it was given back: %v", err)
	}
	again()
}
