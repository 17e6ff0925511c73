package preflight

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aweigh/aweigh"
)

// Two deployed to one engine, each from a container of its own: each was process 1, or
// knew no process of the other's number, and removed the other's trial in the middle.
func TestTrialOfAnotherPlaceIsLeftAloneForADay(t *testing.T) {
	named := func(pid int, where string, at time.Time) string {
		return fmt.Sprintf("%s%d-%s-%s", prefix, pid, where, strings.ToLower(aweigh.NewID(at)))
	}
	now := time.Now()
	const nobody = 1 << 30 // beyond PID_MAX_LIMIT (proc_sys_kernel(5))
	for what, c := range map[string]struct {
		project string
		left    bool
	}{
		"of this process":            {named(os.Getpid(), place(), now), true},
		"of one that runs":           {named(os.Getppid(), place(), now), false},
		"of one that is gone":        {named(nobody, place(), now), true},
		"elsewhere, of this number":  {named(os.Getpid(), "elsewhere", now), false},
		"elsewhere":                  {named(nobody, "elsewhere", now.Add(-23*time.Hour)), false},
		"elsewhere, of the day past": {named(nobody, "elsewhere", now.Add(-25*time.Hour)), true},
		"of an earlier release":      {fmt.Sprintf("%s%d-abc123", prefix, nobody), true},
	} {
		if left(c.project) != c.left {
			t.Errorf("%s: left behind is %v", what, !c.left)
		}
	}
}
