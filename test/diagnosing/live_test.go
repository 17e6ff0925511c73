package diagnosing_test

import (
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
)

// published lets the engine choose a port of the host for the server's.
var published = []string{"--publish", "127.0.0.1::8080"}

func TestAServerOnTheLoopbackIsSeen(t *testing.T) {
	t.Parallel()
	s := start(t, published, "serve", "127.0.0.1:8080").printed(t, "listening")
	diagnosed(t, s.name).is(t, "bound-to-localhost").says(t, "127.0.0.1:8080")
}

func TestAServerOnAnotherPortIsSeen(t *testing.T) {
	t.Parallel()
	s := start(t, published, "serve", ":9090").printed(t, "listening")
	diagnosed(t, s.name).is(t, "wrong-port").says(t, "9090")
}

func TestAServerThatServesHasNoFailure(t *testing.T) {
	t.Parallel()
	s := start(t, published, "serve", ":8080").printed(t, "listening")
	diagnosed(t, s.name).is(t, "no-failure")
}

func TestAMissingVariableIsNamed(t *testing.T) {
	t.Parallel()
	s := start(t, published, "need", "DATABASE_URL").ended(t)
	diagnosed(t, s.name).is(t, "env-var-missing").says(t, "DATABASE_URL")
}

func TestAKillForWantOfMemoryIsSeen(t *testing.T) {
	t.Parallel()
	var s service
	for range 10 { // a busy Engine 20.10 does not always hear the kernel's word
		s = start(t, []string{"--memory", "32m", "--memory-swap", "32m"}, "eat").ended(t)
		if out, _ := docker("inspect", "--format", "{{.State.OOMKilled}}", s.name); out == "true" {
			break
		}
	}
	diagnosed(t, s.name).is(t, "oom-killed")
}

// The engine starts nothing then, and its word does not say who has the port.
func TestTheHolderOfATakenPortIsNamed(t *testing.T) {
	t.Parallel()
	needEngine(t)
	s := start(t, []string{"--publish", taken(t) + ":8080"}, "serve", ":8080").ended(t)
	diagnosed(t, s.name).is(t, "port-in-use").says(t, fmt.Sprintf("(pid %d)", os.Getpid()))
}

func TestAHangOnASilentDependencyIsSeen(t *testing.T) {
	t.Parallel()
	needEngine(t)
	peer := silent(t, gateway(t))
	s := start(t, published, "dial", peer).printed(t, "connecting")
	diagnosed(t, s.name).is(t, "dependency-timeout").says(t, peer)
}

func TestADependencyThatRefusesIsSeen(t *testing.T) {
	t.Parallel()
	needEngine(t)
	s := start(t, published, "dial", "127.0.0.1:5432").ended(t)
	diagnosed(t, s.name).is(t, "dependency-refused").says(t, "127.0.0.1:5432")
}

func TestWhatIsUnknownHasAnExitStatusOfItsOwn(t *testing.T) {
	t.Parallel()
	needEngine(t)
	out, errs, code := runAweigh(t, "diagnose", "there-is-no-such-service", "--state", t.TempDir())
	if code != 4 || !strings.Contains(errs, "there-is-no-such-service") {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
}

// taken is an address of this host that somebody listens on: we.
func taken(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().String()
}

// gateway is the host's address in the containers' network.
func gateway(t *testing.T) string {
	t.Helper()
	out, err := docker("network", "inspect", "--format", "{{(index .IPAM.Config 0).Gateway}}", "bridge")
	if err != nil || net.ParseIP(out) == nil {
		t.Skipf("the engine's bridge has no gateway: %s %v", out, err)
	}
	return out
}

// silent is the address of a peer that answers nothing: the kernel drops what
// wants to connect to a listener whose queue is full.
func silent(t *testing.T, host string) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	addr := &syscall.SockaddrInet4{Addr: [4]byte(net.ParseIP(host).To4())}
	if err := syscall.Bind(fd, addr); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	at, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	target := net.JoinHostPort(host, fmt.Sprint(at.(*syscall.SockaddrInet4).Port))
	for range 4 { // one fits into a queue of 0, the kernel rounds up
		c, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { syscall.Close(c) })
		syscall.Connect(c, at)
	}
	return target
}
