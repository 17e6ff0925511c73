package supervise

import (
	"context"
	"io"
	"log/slog"
	"net"
	"os"
	"testing"
	"time"

	"github.com/aweigh/aweigh/internal/probe"
	"github.com/aweigh/aweigh/internal/sdnotify"
)

// The supervisor told that a service whose main loop hangs is unhealthy, for it
// did not feed its watchdog, and "aweigh health" that it is healthy, for a thread
// of it still answered: the container stayed healthy for ever.
func TestAHealthCheckHearsOfTheWatchdog(t *testing.T) {
	now := time.Now()
	serving := func() *supervisor {
		s := &supervisor{Config: Config{Service: "web", Interval: time.Second, Timeout: time.Second, Retries: 1},
			asker: &asker{}, heard: &heard{}, log: slog.New(slog.NewTextHandler(io.Discard, nil)), began: now}
		s.life = newLifecycle(now, time.Minute, time.Second, time.Second)
		s.life.proven(now)
		s.live.retries = 1
		s.asker.log(probe.Target{Protocol: probe.TCP, Port: 80}, probe.Result{OK: true})
		return s
	}
	answers := answer{result: probe.Result{OK: true}, at: now}

	s := serving()
	s.live.watchdog, s.live.fed = time.Second, now.Add(-time.Minute)
	s.answered(answers)
	if v := s.verdict(); v.Healthy || v.Reason == "" {
		t.Errorf("a service that starves its watchdog is said to be healthy: %+v", v)
	}
	s.live.fed = now
	s.answered(answers)
	if v := s.verdict(); !v.Healthy {
		t.Errorf("a service that feeds its watchdog again is said not to be healthy: %+v", v)
	}

	s = serving()
	s.said(sdnotify.Message{Trigger: true, UID: os.Getuid()})
	if v := s.verdict(); v.Healthy || v.Reason == "" {
		t.Errorf("a service that says that it is not healthy is said to be: %+v", v)
	}
}

// The kernel connects for a process that hangs until its queue is full, which at a
// probe every ten seconds takes hours: until then it was healthy.
func TestAServiceThatNoLongerAcceptsIsNotHealthy(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, host := range []string{"127.0.0.1", "localhost"} {
		target := probe.Target{Protocol: probe.TCP, Host: host, Port: l.Addr().(*net.TCPAddr).Port}
		a := &asker{target: target, timeout: 200 * time.Millisecond}
		var live liveness
		live.at(proof{target: target, result: probe.Result{OK: true, RemoteAddr: l.Addr().(*net.TCPAddr).AddrPort()}}, false)
		answers := make(chan answer, 1)
		live.ask(context.Background(), a, a.timeout, answers)
		if r := (<-answers).result; r.OK {
			t.Errorf("%s: a service that accepts nothing answers: %s", host, r.Reason)
		}
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			defer c.Close()
		}
	}()
	target := probe.Target{Protocol: probe.TCP, Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port}
	a := &asker{target: target, timeout: 5 * time.Second}
	var live liveness
	live.at(proof{target: target}, false)
	answers := make(chan answer, 1)
	live.ask(context.Background(), a, a.timeout, answers)
	if r := (<-answers).result; !r.OK {
		t.Errorf("a service that accepts does not answer: %s", r.Reason)
	}
}
