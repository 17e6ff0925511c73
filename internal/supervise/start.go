package supervise

import (
	"context"
	"net/netip"
	"os"
	"syscall"

	"github.com/aweigh/aweigh/internal/probe"
	"github.com/aweigh/aweigh/internal/snapshot"
	"github.com/aweigh/aweigh/internal/sockdiag"
)

// port is the port that must come to listen, 0 for any.
func (s *supervisor) port() int {
	if s.Port != 0 {
		return s.Port
	}
	if s.Probe != nil && s.Probe.Protocol != probe.Exec {
		return s.Probe.Port
	}
	return 0
}

// expectedAddr is where the service will have to listen, as far as that is
// known before it is started.
func (s *supervisor) expectedAddr() (netip.Addr, int, bool) {
	port := s.port()
	if port == 0 {
		return netip.Addr{}, 0, false
	}
	if s.Probe == nil || s.Probe.Host == "" || s.Probe.Host == "localhost" || s.Port != 0 && s.Port != s.Probe.Port {
		return loopback4, port, true
	}
	if !isLocal(context.Background(), s.Probe.Host) {
		return netip.Addr{}, 0, false
	}
	if a, err := netip.ParseAddr(s.Probe.Host); err == nil {
		return a.Unmap(), port, true
	}
	return loopback4, port, true
}

// prepareWatch sets the search for the proof up.
func (s *supervisor) prepareWatch() {
	target := probe.Target{Protocol: probe.TCP, Port: s.port()}
	if s.Probe != nil {
		target = *s.Probe
	}
	s.asker = &asker{target: target, want: s.Expect, timeout: s.Timeout, rec: s.rec, began: s.began,
		prober: probe.Prober{Start: s.quietly}}
	remote := target.Protocol == probe.Exec && s.Port == 0
	if target.Protocol != probe.Exec && target.Host != "" {
		remote = !isLocal(context.Background(), target.Host)
	}
	s.watch = &watch{ask: s.asker, port: s.port(), remote: remote, table: sockdiag.Open(),
		listening: make(chan sockdiag.Socket, 1), proven: make(chan proof, 1), beat: newPulse(pace(0)),
		owners: map[uint64]*ownership{}}
	s.watch.baseline()
	s.live.retries = s.Retries
}

// launch starts the command.
func (s *supervisor) launch() *launchError {
	var err error
	s.notify, err = newNotices()
	if err != nil {
		s.warn(err.Error() + ": the service's own word of its phases will not be heard")
	}
	env := s.notify.env(os.Environ(), s.watchdogEvery())
	if !s.NoAssist {
		var notes []string
		env, s.disarm, notes = snapshot.Arm(s.Command, env, s.quietly)
		for _, note := range notes {
			s.log.Info(note, "event", "assist")
		}
	}
	s.waits = newWaits(s.StartupTimeout, env, s.table)
	file, err := lookPath(s.Command[0], os.Getenv("PATH"))
	if err != nil {
		return explainLaunch(s.Command[0], file, err)
	}
	attr := &syscall.ProcAttr{Env: env, Sys: &syscall.SysProcAttr{}}
	if err := s.streams.open(s, attr); err != nil {
		return &launchError{ExitError, "cannot pass the output through: " + err.Error(), ""}
	}
	s.process, err = s.children.Start(file, s.Command, attr)
	s.streams.started()
	if err != nil {
		return explainLaunch(s.Command[0], file, err)
	}
	return nil
}

// quietly starts a short command of ours (an exec probe, node --version).
func (s *supervisor) quietly(argv []string, attr *os.ProcAttr) (int, func() (syscall.WaitStatus, error), error) {
	return starter(s.children)(argv, attr)
}
