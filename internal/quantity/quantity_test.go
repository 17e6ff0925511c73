package quantity

import (
	"testing"
	"time"
)

func TestDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{"90s": 90 * time.Second, "1h30m": 90 * time.Minute, "30d": 720 * time.Hour, "0.5d": 12 * time.Hour, "0": 0} {
		if d, err := Duration(text); err != nil || d != want {
			t.Errorf("%q: %s, %v", text, d, err)
		}
	}
	for text, want := range map[string]string{
		"90": "a duration needs a unit: 90s, 90m", "-1s": "a duration cannot be negative", "soon": "not a duration: write 90s, 2m, 1h30m or 30d",
		"99999999d": "not a duration: write 90s, 2m, 1h30m or 30d", "": "not a duration: write 90s, 2m, 1h30m or 30d",
	} {
		if _, err := Duration(text); err == nil || err.Error() != want {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestBytes(t *testing.T) {
	for text, want := range map[string]int64{"500k": 500_000, "256MiB": 256 << 20, "2 GB": 2_000_000_000, "1.5Ki": 1536, "7": 7} {
		if n, err := Bytes(text); err != nil || n != want {
			t.Errorf("%q: %d, %v", text, n, err)
		}
	}
	for _, text := range []string{"", "much", "-1k", "NaN", "1e30", "2TBi", "Inf"} {
		if n, err := Bytes(text); err == nil {
			t.Errorf("%q: %d", text, n)
		}
	}
}
