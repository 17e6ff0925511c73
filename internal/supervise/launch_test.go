package supervise

import (
	"syscall"
	"testing"
)

// With a limit of 16 open files the command was told to be no program.
func TestALimitOfOursIsNotTheCommandsFault(t *testing.T) {
	for errno, cause := range map[syscall.Errno]string{syscall.EMFILE: "fd-limit", syscall.EAGAIN: "pids-limit"} {
		if got := explainLaunch("true", "/bin/true", errno); got.code != ExitError || got.cause != cause {
			t.Errorf("%v: status %d, cause %s", errno, got.code, got.cause)
		}
	}
}
