package main

import (
	_ "embed"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
)

// The probe that no other can beat by much: sockets, and nothing else.
//
//go:embed testdata/probe.c
var probeC []byte

//go:embed testdata/healthcheck.sh
var scriptSh []byte

// health is one check as a process of its own, as a HEALTHCHECK runs it.
func (b *bench) health() error {
	// The server that all ask but who asks the supervisor: in this process,
	// whose time is not counted.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer l.Close()
	go http.Serve(l, http.HandlerFunc(ok))
	address := l.Addr().String()

	own, port, err := freeAddress()
	if err != nil {
		return err
	}
	s, err := b.supervise("--service", "bench", "--port", port, "--probe", "/health", "--", b.self, "play-server", own, "0s")
	if err != nil {
		return err
	}
	defer s.stop()
	if _, err := s.wait(); err != nil {
		return err
	}

	floor := &contender{what: "true (the floor)", argv: []string{"true"}}
	static, err := b.staticProbe(address)
	if err != nil {
		return err
	}
	empty, err := b.emptyGo()
	if err != nil {
		return err
	}
	asks := &contender{what: "aweigh-init health, verdict from the supervisor", argv: []string{b.init, "health", "--service", "bench"}}
	inside, stop, err := b.askInside()
	if err != nil {
		return err
	}
	defer stop()
	probes := &contender{what: "aweigh-init health, its own probe", argv: []string{b.init, "health", "http://" + address + "/health"}}
	curl, script, err := b.shellProbes(address)
	if err != nil {
		return err
	}
	all := []*contender{floor}
	for _, c := range []*contender{static, empty, inside, asks, probes, curl, script} {
		if c != nil {
			all = append(all, c)
		}
	}
	n := b.rounds(200, 30)
	if err := contest(n, all...); err != nil {
		return err
	}
	b.report.Tables = append(b.report.Tables, table{
		Title:   fmt.Sprintf("One health check, as a process of its own (medians of %d, by turns)", n),
		Columns: []string{"wall ms", "CPU ms", "CPU ÷ script", "CPU ÷ static C"},
		Rows:    rows(all, script, static),
	})
	if inside == nil {
		inside = asks
	}
	if script != nil {
		b.report.atMost(0.25, "× the script", median(inside.cpu)/median(script.cpu), "CPU of health, verdict from the supervisor")
		b.report.atMost(0.35, "× the script", median(probes.cpu)/median(script.cpu), "CPU of health, its own probe")
	}
	if static != nil {
		b.report.atMost(2.5, "× static C", median(inside.cpu)/median(static.cpu), "CPU of health, verdict from the supervisor")
	}
	return nil
}

// askInside is the usual check: the supervisor is PID 1 of the container. It is
// nil where no namespace may be made.
func (b *bench) askInside() (asks *contender, stop func(), err error) {
	if os.Geteuid() != 0 {
		b.report.note("not root: health is not measured as in a container, where the supervisor is PID 1")
		return nil, func() {}, nil
	}
	own, port, err := freeAddress()
	if err != nil {
		return nil, nil, err
	}
	s, err := b.superviseInside("--port", port, "--probe", "/health", "--", b.self, "play-server", own, "0s")
	if err != nil {
		return nil, nil, err
	}
	if _, err := s.wait(); err != nil {
		s.stop()
		return nil, nil, err
	}
	return &contender{what: "aweigh-init health, in a container: verdict from PID 1", argv: []string{b.init, "health"}, pid1: s.cmd.Process.Pid}, s.stop, nil
}

// staticProbe is nil where there is no C compiler, or no static C library.
func (b *bench) staticProbe(address string) (*contender, error) {
	if missing("gcc") != "" {
		b.report.note("there is no gcc: no static C probe to compare with")
		return nil, nil
	}
	source, program := filepath.Join(b.dir, "probe.c"), filepath.Join(b.dir, "probe")
	if err := os.WriteFile(source, probeC, 0o644); err != nil {
		return nil, err
	}
	if said, err := exec.Command("gcc", "-O2", "-static", "-s", "-o", program, source).CombinedOutput(); err != nil {
		b.report.note("gcc cannot build a static program here (%v: %.200s): no static C probe to compare with", err, said)
		return nil, nil
	}
	_, port, err := net.SplitHostPort(address)
	return &contender{what: "static C, raw sockets", argv: []string{program, port}}, err
}

// emptyGo is what no Go program can go below.
func (b *bench) emptyGo() (*contender, error) {
	source, program := filepath.Join(b.dir, "empty.go"), filepath.Join(b.dir, "empty")
	if err := os.WriteFile(source, []byte("package main\n\nfunc main() {}\n"), 0o644); err != nil {
		return nil, err
	}
	if said, err := exec.Command("go", "build", "-o", program, source).CombinedOutput(); err != nil {
		b.report.note("go cannot build an empty program here (%v: %.200s)", err, said)
		return nil, nil
	}
	return &contender{what: "a Go program that does nothing", argv: []string{program}}, nil
}

func (b *bench) shellProbes(address string) (curl, script *contender, err error) {
	if name := missing("bash", "curl", "grep", "date"); name != "" {
		b.report.note("there is no %s: no curl and no shell script to compare with", name)
		return nil, nil, nil
	}
	file := filepath.Join(b.dir, "healthcheck.sh")
	curl = &contender{what: "curl -sf", argv: []string{"curl", "-sf", "http://" + address + "/health"}}
	script = &contender{what: "healthcheck.sh: bash, curl, grep", argv: []string{file, address, filepath.Join(b.dir, "healthcheck.log")}}
	return curl, script, os.WriteFile(file, scriptSh, 0o755)
}
