package aweigh

import (
	"testing"
	"time"
)

func TestIDsSortByTheirTimeAndGiveItBack(t *testing.T) {
	at := time.Date(2026, 11, 23, 3, 12, 7, 120e6, time.UTC)
	a, b := NewID(at), NewID(at.Add(time.Millisecond))
	if !ValidID(a) || !ValidID(b) {
		t.Fatalf("invalid ids %q, %q", a, b)
	}
	if a >= b {
		t.Errorf("%s does not sort before %s", a, b)
	}
	if got, ok := IDTime(a); !ok || !got.Equal(at) {
		t.Errorf("IDTime(%s) = %v, want %v", a, got, at)
	}
	if again := NewID(at); a == again {
		t.Error("two ids of one millisecond are equal")
	}
}

func TestValidIDRefusesWhatCouldBeAPath(t *testing.T) {
	for _, s := range []string{"", "..", "01JD", "../../../../../../etc/passw", "81JDZZZZZZZZZZZZZZZZZZZZZZ", "01jdzzzzzzzzzzzzzzzzzzzzzz"} {
		if ValidID(s) {
			t.Errorf("ValidID(%q)", s)
		}
	}
}
