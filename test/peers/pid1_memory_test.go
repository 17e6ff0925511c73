package peers_test

import (
	"testing"

	"github.com/aweigh/aweigh"
)

// runOut is run with little memory, until it is told that there was not enough.
//
// There may be nobody to tell it. When the kernel has killed the biggest, a page
// fault in the moment before the memory is accounted for lets it kill the next
// one, and that may be the supervisor: about one time in ten on Linux 6.18 with
// two busy cores and a limit as low as this. Then we try again.
func (b box) runOut(t *testing.T, provoke func(*container)) *container {
	t.Helper()
	b.options = append(b.options, "--memory", "32m", "--memory-swap", "32m")
	for try := 1; ; try++ {
		c := b.run(t)
		provoke(c)
		_, told := c.stderr.await(patience, func(line string) bool {
			return matches("start.failed", nil)(line) || matches("run.exit", nil)(line) || matches("run.oom", nil)(line)
		})
		if told || try == 5 {
			return c
		}
		t.Logf("try %d: the kernel killed the supervisor as well", try)
	}
}

// hungry makes it take more and more memory.
func hungry(sig string) func(*container) {
	return func(c *container) {
		c.t.Helper()
		c.event("start.ready")
		c.docker("kill", "--signal", sig, c.name)
	}
}

func tellsOOM(t *testing.T) {
	c := server().runOut(t, hungry("USR2"))
	if code := c.wait(); code != 137 {
		t.Errorf("exit status %d, want 137", code)
	}
	exit := c.event("run.exit")
	if exit["end"] != "oom-killed" || !found("the kernel killed goserver for want of memory: raise the memory limit", exit["msg"]) {
		t.Errorf("run.exit should tell what it died of: %v", exit)
	}
	k := c.outlived("goserver")
	if want := (aweigh.Exit{Code: 137, Signal: "SIGKILL", OOM: true}); k.Exit == nil || *k.Exit != want || k.Run == nil || k.Run.End != aweigh.RunOOMKilled {
		t.Errorf("the record says exit %+v, run %+v; want %+v", k.Exit, k.Run, want)
	}
}

func tellsOOMOfStart(t *testing.T) {
	c := shell(`exec tail /dev/zero`).runOut(t, func(*container) {})
	if code := c.wait(); code != 137 {
		t.Errorf("exit status %d, want 137", code)
	}
	if line := c.event("start.failed"); !found("the kernel killed sh for want of memory: raise the memory limit", line["msg"]) {
		t.Errorf("start.failed should tell what it died of: %v", line)
	}
	k := c.outlived("sh")
	if want := (aweigh.Exit{Code: 137, Signal: "SIGKILL", OOM: true}); k.Verdict != aweigh.Crashed || k.Exit == nil || *k.Exit != want {
		t.Errorf("the record says verdict %s, exit %+v; want crashed, %+v", k.Verdict, k.Exit, want)
	}
}

// tellsOOMOfWorker is about what no exit status tells: the service goes on.
func tellsOOMOfWorker(t *testing.T) {
	c := shell(`trap "tail /dev/zero" USR1; httpd -f -p 8080 & while wait; test $? -ge 128; do :; done`,
		"AWEIGH_PORT=8080", "AWEIGH_INTERVAL=200ms").runOut(t, hungry("USR1"))
	if line := c.event("run.oom"); !found(`the kernel killed 1 process\(es\) .* while the service goes on`, line["msg"]) {
		t.Errorf("run.oom says %v", line)
	}
	c.stop()
	k := c.outlived("sh")
	if k.Verdict != aweigh.Ready || k.Run == nil || k.Run.End != aweigh.RunStopped || k.Exit == nil || !k.Exit.OOM {
		t.Errorf("the record says verdict %s, run %+v, exit %+v; want ready, stopped, and that memory ran out", k.Verdict, k.Run, k.Exit)
	}
}
