package watch

import (
	"testing"

	"github.com/aweigh/aweigh/internal/config"
)

// keep_bytes was read, and never looked at.
func TestServicesShareWhatMayBeKept(t *testing.T) {
	c := config.Default().Watch // 2 GiB
	for services, want := range map[int]int64{0: 256 << 20, 4: 256 << 20, 64: 32 << 20} {
		if got := recordLimits(c, services).Bytes; got != want {
			t.Errorf("of %d services each keeps %d bytes, want %d", services, got, want)
		}
	}
}
