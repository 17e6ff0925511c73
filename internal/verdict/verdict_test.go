package verdict

import (
	"os"
	"slices"
	"strconv"
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

// listener is a socket that nobody answers on.
func listener(t *testing.T, name string) {
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_SEQPACKET|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrUnix{Name: name}); err != nil {
		t.Fatal(err)
	}
	syscall.Listen(fd, 1)
}

func TestASupervisorThatIsStuckDoesNotHoldTheHealthCheckUp(t *testing.T) {
	name := prefix() + strconv.Itoa(os.Getpid())
	listener(t, name)
	const patience = 30 * time.Millisecond
	began := time.Now()
	if v, ok := ask(name, patience); ok {
		t.Errorf("it said %+v", v)
	}
	if took := time.Since(began); took < patience || took > 5*time.Second {
		t.Errorf("waited %s", took)
	}
}

func TestNobodyIsBelievedUnderTheNameOfAnother(t *testing.T) {
	name := prefix() + strconv.Itoa(os.Getpid()+1)
	listener(t, name)
	if v, ok := ask(name, time.Hour); ok {
		t.Errorf("it said %+v", v)
	}
}

func TestThePrefixNamesThisNamespace(t *testing.T) {
	if p := prefix(); len(p) < len("@aweigh/verdict/1/") || os.Getpid() == 0 {
		t.Errorf("prefix %q", p)
	}
}
