package child

import (
	"os"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"
)

func attr() *syscall.ProcAttr {
	return &syscall.ProcAttr{Env: os.Environ(), Files: []uintptr{0, 1, 2}}
}

func TestEveryExitStatusAndSignalComesBack(t *testing.T) {
	s := New()
	defer s.Close()
	for code := range 256 {
		p, err := s.Start("/bin/sh", []string{"sh", "-c", "exit " + strconv.Itoa(code)}, attr())
		if err != nil {
			t.Fatal(err)
		}
		if got := (<-p.Exited).Code(); got != code {
			t.Errorf("exit %d came back as %d", code, got)
		}
	}
	for _, sig := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM, syscall.SIGSEGV} {
		p, err := s.Start("/bin/sh", []string{"sh", "-c", "kill -" + strconv.Itoa(int(sig)) + " $$"}, attr())
		if err != nil {
			t.Fatal(err)
		}
		if got := (<-p.Exited).Code(); got != 128+int(sig) {
			t.Errorf("signal %d came back as %d", sig, got)
		}
	}
}

// A naive wait4(-1) beside os/exec lost 63 of 400 exits.
func TestNoExitIsLostWhileOrphansAreReaped(t *testing.T) {
	s := New()
	defer s.Close()
	var all sync.WaitGroup
	const starts = 200
	for i := range starts {
		all.Go(func() {
			p, err := s.Start("/bin/sh", []string{"sh", "-c", "(true &) ; exit " + strconv.Itoa(i%256)}, attr())
			if err != nil {
				t.Error(err)
				return
			}
			if got := (<-p.Exited).Code(); got != i%256 {
				t.Errorf("exit %d came back as %d", i%256, got)
			}
		})
	}
	all.Wait()
	for end := time.Now().Add(5 * time.Second); s.Orphans() < starts; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d orphans reaped of %d", s.Orphans(), starts)
		}
	}
}

func TestASignalAfterTheEndReachesNobody(t *testing.T) {
	s := New()
	defer s.Close()
	p, err := s.Start("/bin/true", []string{"true"}, attr())
	if err != nil {
		t.Fatal(err)
	}
	<-p.Exited
	if err := p.Signal(syscall.SIGKILL); err != nil {
		t.Errorf("Signal after the exit: %v", err)
	}
}
