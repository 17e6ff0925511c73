package peers_test

import (
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aweigh/aweigh"
)

var jvm = peer{
	name:        "jvm",
	needs:       []string{"java", "javac"},
	good:        func(s *site) launch { return jvmWith(s, "DATABASE=") },
	ends:        aweigh.Exit{Code: 143}, // it handles SIGTERM, and exits with what a shell would say
	taken:       outcome{1, `java\.net\.BindException: Address already in use`},
	broken:      func(s *site) launch { return jvmWith(s) },
	brokenFails: outcome{1, `IllegalStateException: DATABASE is not set`},
	hung:        func(s *site) launch { return jvmWith(s, "DATABASE="+s.silent) },
	hungSays:    `nothing of it listens on port \d+; java \(pid \d+\): .*127\.0\.0\.1:\d+`,
	hungStack:   lineOf(`Server\.connect\(%s:%d\)`, "Server.java"),
}

func jvmWith(s *site, env ...string) launch {
	return launch{
		command: []string{"java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", s.dir + "/Server.java", strconv.Itoa(s.port)},
		files:   map[string]string{"Server.java": testdata("Server.java")},
		env:     env,
		flags:   []string{"--probe", "/health"},
	}
}

// Who asks a JVM for its threads does not want it to end, not after the grace either.
func TestThreadDumpIsNoStop(t *testing.T) {
	need(t, jvm.needs...)
	s := newSite(t, jvm)
	l := s.lay(t, jvm.good(s))
	r := supervise(t, s, l, s.port, "--stop-grace", "100ms")
	r.event("start.ready")
	r.cmd.Process.Signal(syscall.SIGQUIT)
	if !poll(func() bool { return strings.Contains(r.stdout.String(), "Full thread dump") }) {
		t.Fatal("it has printed no threads")
	}
	select {
	case <-r.ended:
		t.Error("it was ended")
	case <-time.After(time.Second):
	}
	if strings.Contains(r.stderr.String(), "run.stopping") {
		t.Error("it is being stopped")
	}
}
