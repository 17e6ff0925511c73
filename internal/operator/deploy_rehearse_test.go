package operator

import (
	"fmt"
	"slices"
	"testing"

	"github.com/aweigh/aweigh/internal/config"
	"github.com/aweigh/aweigh/internal/deploy"
)

// They came from a map, and half of the time the hook after a step was said before
// the one before it.
func TestADryRunSaysHooksInTheirOrder(t *testing.T) {
	s := &deploy.Stage{Before: map[string][]config.Command{"apply": {{"stop", "it"}}}, After: map[string][]config.Command{"apply": {{"warm", "it"}}}}
	for range 50 {
		var said []string
		hooks(func(format string, a ...any) { said = append(said, fmt.Sprintf(format, a...)) }, s, "apply")
		if want := []string{"             hook before.apply: stop it", "             hook after.apply: warm it"}; !slices.Equal(said, want) {
			t.Fatalf("%q", said)
		}
	}
}
