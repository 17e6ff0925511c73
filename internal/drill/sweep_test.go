package drill

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/aweigh/aweigh/internal/watch"
)

func TestOnlyWhatNobodyWillRemoveIsAbandoned(t *testing.T) {
	cmd := exec.Command("sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	gone := ownerOf(cmd.Process.Pid)
	cmd.Process.Kill()
	cmd.Wait()
	now, long := time.Now(), time.Now().Add(-7*time.Hour)
	for _, c := range []struct {
		what, by string
		made     time.Time
		want     bool
	}{
		{"this process's", owner(), long, false},
		{"that of one that has ended", gone, now, true},
		{"that of one whose pid is used again", fmt.Sprintf("%s/%d/1", watch.HostName(), os.Getpid()), now, true},
		{"another host's", "elsewhere/1/1", now, false},
		{"another host's, old", "elsewhere/1/1", long, true},
		{"a mark that cannot be read", "?", now, false},
	} {
		if got := abandoned(c.by, c.made); got != c.want {
			t.Errorf("%s: abandoned is %v", c.what, got)
		}
	}
}
