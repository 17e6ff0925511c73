package verdict

import (
	"os"
	"os/exec"
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

// Without /proc the socket's name was the PID alone: a file in the service's
// working directory.
func TestWithoutANamespaceThereIsNoSocket(t *testing.T) {
	if os.Getenv("WITHOUT_PROC") == "" {
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("unshare", "--mount", "sh", "-c", `umount -l /proc && exec "$0" -test.run='^TestWithoutANamespaceThereIsNoSocket$'`, self)
		cmd.Env, cmd.Dir = append(os.Environ(), "WITHOUT_PROC=1"), t.TempDir()
		if out, err := exec.Command("unshare", "--mount", "umount", "-l", "/proc").CombinedOutput(); err != nil {
			t.Skipf("no mount namespace of one's own here: %v %s", err, out)
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	if s, err := Listen(func() Verdict { return Verdict{} }); err == nil {
		s.Close()
		t.Error("it listens")
	}
	if files, _ := os.ReadDir("."); len(files) > 0 {
		t.Errorf("it leaves %v behind", files)
	}
	if found := Ask(time.Second); len(found) > 0 {
		t.Errorf("it finds %+v", found)
	}
}
