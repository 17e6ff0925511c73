package verdict

import (
	"os"
	"slices"
	"syscall"
	"testing"
	"time"
)

func TestAHealthCheckFindsTheSupervisorOfItsNamespace(t *testing.T) {
	want := Verdict{Service: "webhook", Target: "http://127.0.0.1:5003/health", Reason: "503", AgeMS: 7, FreshMS: 20, PID: os.Getpid()}
	s, err := Listen(func() Verdict { return want })
	if err != nil {
		t.Fatal(err)
	}
	if got := Ask(time.Second); !slices.Contains(got, want) {
		t.Errorf("asked, and got %+v", got)
	}
	s.Close()
	if got := Ask(time.Second); slices.Contains(got, want) {
		t.Error("it still answers after Close")
	}
}

func TestASupervisorThatIsStuckDoesNotHoldTheHealthCheckUp(t *testing.T) {
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_SEQPACKET|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	if err := syscall.Bind(fd, &syscall.SockaddrUnix{Name: prefix() + "stuck"}); err != nil {
		t.Fatal(err)
	}
	syscall.Listen(fd, 1)
	began := time.Now()
	if v, ok := ask(prefix()+"stuck", 30*time.Millisecond); ok {
		t.Errorf("it said %+v", v)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("waited %s", took)
	}
}

func TestThePrefixNamesThisNamespace(t *testing.T) {
	if p := prefix(); len(p) < len("@aweigh/verdict/1/") || os.Getpid() == 0 {
		t.Errorf("prefix %q", p)
	}
}
