package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// supervised is an aweigh-init that runs one of our servers.
type supervised struct {
	cmd       *exec.Cmd
	accepting chan time.Time // the server's own word
	ready     chan time.Time // when aweigh-init's line came
	said      bytes.Buffer   // standard error; read it when it has ended
	done      chan struct{}
}

// supervise starts aweigh-init with these arguments and a record of its own.
func (b *bench) supervise(args ...string) (*supervised, error) {
	return b.superviseBy(nil, nil, args...)
}

// superviseInside is supervise as PID 1 of a PID namespace, as in a container.
func (b *bench) superviseInside(args ...string) (*supervised, error) {
	return b.superviseBy([]string{b.self, "play-container"}, &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS}, args...)
}

func (b *bench) superviseBy(by []string, attr *syscall.SysProcAttr, args ...string) (*supervised, error) {
	s := &supervised{accepting: make(chan time.Time, 1), ready: make(chan time.Time, 1), done: make(chan struct{})}
	argv := slices.Concat(by, []string{b.init, "run", "--record", filepath.Join(b.dir, "records")}, args)
	s.cmd = exec.Command(argv[0], argv[1:]...)
	s.cmd.SysProcAttr = attr
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	stderr, err := s.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		lines := bufio.NewScanner(stdout)
		for lines.Scan() {
			if nanoseconds, ok := strings.CutPrefix(lines.Text(), accepting+" "); ok {
				n, _ := strconv.ParseInt(nanoseconds, 10, 64)
				s.accepting <- time.Unix(0, n)
			}
		}
	}()
	go func() {
		defer close(s.done)
		lines := bufio.NewScanner(io.TeeReader(stderr, &s.said))
		for lines.Scan() {
			if strings.Contains(lines.Text(), "event=start.ready") {
				s.ready <- time.Now()
			}
		}
	}()
	return s, nil
}

// wait waits until it is ready. late is the time from the server's first
// accept to the line that says so.
func (s *supervised) wait() (late time.Duration, err error) {
	var accepting, ready time.Time
	for accepting.IsZero() || ready.IsZero() {
		select {
		case accepting = <-s.accepting:
		case ready = <-s.ready:
		case <-s.done: // at its own deadline at the latest
			return 0, fmt.Errorf("aweigh-init ended before it was ready: %s", s.said.String())
		}
	}
	return ready.Sub(accepting), nil
}

// stop ends it.
func (s *supervised) stop() {
	s.cmd.Process.Signal(syscall.SIGTERM)
	<-s.done
	s.cmd.Wait()
}

// freeAddress is a loopback address that nobody listens on.
func freeAddress() (address, port string, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", err
	}
	defer l.Close()
	_, port, err = net.SplitHostPort(l.Addr().String())
	return l.Addr().String(), port, err
}

// cpuOf is what all threads of a living process have used so far. The kernel
// counts it in nanoseconds; /proc/PID/stat in hundredths of a second.
func cpuOf(pid int) (time.Duration, error) {
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	var total time.Duration
	for _, file := range files {
		used, _, _ := strings.Cut(readWord(file), " ")
		n, err := strconv.ParseInt(used, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("this kernel does not count the time of threads: %w", err)
		}
		total += time.Duration(n)
	}
	if total == 0 {
		return 0, fmt.Errorf("pid %d has used no time, or this kernel does not count it", pid)
	}
	return total, nil
}

// memoryOf is the resident memory of a process in MiB, and its share of it
// when pages that others have as well are divided.
func memoryOf(pid int) (rss, pss figure) {
	return kibibytes(fmt.Sprintf("/proc/%d/status", pid), "VmRSS:") / 1024,
		kibibytes(fmt.Sprintf("/proc/%d/smaps_rollup", pid), "Pss:") / 1024
}

func kibibytes(file, key string) figure {
	b, _ := os.ReadFile(file)
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) >= 2 && f[0] == key {
			n, _ := strconv.Atoi(f[1])
			return figure(n)
		}
	}
	return none
}
