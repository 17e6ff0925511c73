package supervise

import (
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/aweigh/aweigh/internal/proc"
	"github.com/aweigh/aweigh/internal/record"
	"github.com/aweigh/aweigh/internal/sdnotify"
)

// notices is the notify protocol, towards the service and, where we are a
// systemd unit of Type=notify ourselves, towards systemd.
type notices struct {
	socket   *sdnotify.Socket
	messages chan sdnotify.Message
	above    string // NOTIFY_SOCKET as we got it
}

func newNotices() (*notices, error) {
	n := &notices{messages: make(chan sdnotify.Message, 16), above: os.Getenv("NOTIFY_SOCKET")}
	socket, err := sdnotify.Listen()
	if err != nil {
		return n, err
	}
	n.socket = socket
	go socket.Receive(func(m sdnotify.Message) { n.messages <- m })
	return n, nil
}

func (n *notices) close() {
	if n.socket != nil {
		n.socket.Close()
	}
}

// env is the service's environment, with our socket in place of the one above.
// WATCHDOG_PID and LISTEN_PID name a process that the service is not.
func (n *notices) env(env []string, watchdog time.Duration) []string {
	var out []string
	for _, kv := range env {
		switch name, _, _ := strings.Cut(kv, "="); name {
		case "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_PID":
		default:
			out = append(out, kv)
		}
	}
	if n.socket == nil {
		return out
	}
	return append(out, "NOTIFY_SOCKET="+n.socket.Address, fmt.Sprintf("WATCHDOG_USEC=%d", watchdog.Microseconds()))
}

// upstream tells systemd, if it listens.
func (n *notices) upstream(state string) {
	if n.above == "" {
		return
	}
	c, err := net.Dial("unixgram", n.above)
	if err != nil {
		return
	}
	defer c.Close()
	c.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
	c.Write([]byte(state))
}

// said takes what the service says of itself.
func (s *supervisor) said(m sdnotify.Message) []action {
	if !s.believes(m) {
		return nil
	}
	now := time.Now()
	if m.Extend > 0 && s.life.extended(now, m.Extend) {
		s.log.Info(fmt.Sprintf("the service asks for more time: the deadline is now %s after the beginning", human(s.life.allowed())), "event", record.StartPhase)
		s.notify.upstream(fmt.Sprintf("EXTEND_TIMEOUT_USEC=%d", m.Extend.Microseconds()))
	}
	if m.Status != "" && s.life.state == starting && !m.Ready {
		s.spoke = true
		s.setPhaseAt(m.Status, m.At)
	}
	switch {
	case m.Ready && s.life.state == starting:
		s.spoke = true
		s.setPhaseAt("verify", m.At)
		s.watch.lookNow()
	case m.Ready:
		s.live.reload = time.Time{} // the reload is over
	case m.Reloading:
		s.live.reload = now.Add(s.StartupTimeout)
	case m.Stopping && s.life.state == serving:
		s.note(record.Event{Event: record.RunStopping, Reason: "the service says that it stops"})
		s.live.reload = now.Add(s.StartupTimeout)
	}
	if m.WatchdogEvery > 0 {
		s.live.watchdog, s.live.fed = m.WatchdogEvery, now
	}
	if m.Watchdog {
		s.live.fed = now
		if s.live.watchdog == 0 {
			s.live.watchdog = s.watchdogEvery()
		}
	}
	if m.Trigger && s.life.state == serving {
		s.live.failures = s.live.retries
		const why = "the service says so itself (WATCHDOG=trigger)"
		s.setStarved(why)
		return s.condition(false, why, now)
	}
	return nil
}

// watchdogEvery is the interval that a service is told: it lives as long as
// it would by the probe.
func (s *supervisor) watchdogEvery() time.Duration {
	return s.Interval * time.Duration(s.Retries)
}

// believes reports whether a message may come from the service: from a process
// of its tree, or, when that is gone already (systemd-notify), from its user.
// Anybody can find the socket's name.
func (s *supervisor) believes(m sdnotify.Message) bool {
	for _, pid := range proc.Descendants(os.Getpid()) {
		if pid == m.PID {
			return true
		}
	}
	if m.UID == 0 || m.UID == os.Getuid() {
		return true
	}
	uid := proc.UID(s.process.PID)
	return uid >= 0 && uid == m.UID
}
