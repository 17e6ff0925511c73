package main

import (
	"bufio"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// A server that opens its port as root and then becomes another user (lighttpd,
// haproxy) was never ready in a container, where root lacks CAP_SYS_PTRACE: its
// descriptors could not be read, its socket is root's, and none of its processes was
// root's any more. It was ended at the deadline.
func TestAServiceThatChangesItsUserOnceItListensIsReady(t *testing.T) {
	out := runWithoutPtrace(t, "--port", strconv.Itoa(unusedPort(t)))
	if !strings.Contains(out, "event=start.ready") {
		t.Errorf("it was not ready:\n%s", out)
	}
	// Of any port it cannot be told, unless it was seen before it changed its user:
	// whoever shares the network may have opened it.
	out = runWithoutPtrace(t)
	if !strings.Contains(out, "event=start.ready") && !strings.Contains(out, "name its port") {
		t.Errorf("it is not told why it was not ready:\n%s", out)
	}
}

// runWithoutPtrace runs such a server until it is ready, or ended.
func runWithoutPtrace(t *testing.T, flags ...string) (out string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("must be root, to be able to become somebody else")
	}
	addr := "127.0.0.1:0"
	if len(flags) > 0 {
		addr = "127.0.0.1:" + flags[1]
	}
	cmd := exec.Command("aweigh-init", append(append([]string{"--record", t.TempDir(), "--startup-timeout", "1s"}, flags...),
		"--", "server", "http="+addr, "setuid=65534", "wait")...)
	lines, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends, and with it what it has lost
		const capBsetDrop, sysPtrace = 24, 19
		if _, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, capBsetDrop, sysPtrace, 0); errno != 0 {
			started <- errno
			return
		}
		started <- cmd.Start()
	}()
	if err := <-started; err != nil {
		t.Skip("cannot be started without CAP_SYS_PTRACE: ", err)
	}
	scanner := bufio.NewScanner(lines)
	for scanner.Scan() {
		out += scanner.Text() + "\n"
		if strings.Contains(scanner.Text(), "event=start.ready") {
			cmd.Process.Signal(syscall.SIGTERM)
		}
	}
	cmd.Wait()
	return out
}

func unusedPort(t *testing.T) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
