package gather

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain lets this program be the service that is looked at.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "serve-in-a-namespace" {
		serveInANamespace()
		return
	}
	os.Exit(m.Run())
}

// serveInANamespace brings the loopback up, listens and says where.
func serveInANamespace() {
	if err := upLoopback(); err != nil {
		fmt.Println(err)
		return
	}
	l, err := net.Listen("tcp", "127.0.0.1:8080")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("listening")
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		c.Read(make([]byte, 4096))
		fmt.Fprint(c, "hello from inside")
		c.Close()
	}
}

func upLoopback() error {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	return setUp(fd, "lo")
}

// isolated starts the service in a network namespace of its own.
func isolated(t *testing.T) int {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can make a network namespace")
	}
	cmd := exec.Command("/proc/self/exe", "serve-in-a-namespace")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); errors.Is(err, syscall.EPERM) {
		t.Skip("no network namespace can be made here")
	} else if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if line != "listening\n" {
		t.Fatalf("the service says %q, %v", line, err)
	}
	return cmd.Process.Pid
}

func TestTheListenersOfAnotherNetworkNamespaceAreSeen(t *testing.T) {
	pid := isolated(t)
	var f Found
	s, r := f.lookAt(pid, 3*time.Second)
	if s == nil || !r.Running || len(r.Owned) != 1 || r.Owned[0] != "127.0.0.1:8080" || len(r.Listeners) != 1 {
		t.Fatalf("seen: %+v, notes %v", r, f.Notes)
	}
	if r.Main == nil || r.Main.State[0] != 'S' || r.Main.Threads == 0 || r.Main.Syscall == "" {
		t.Errorf("the main process: %+v", r.Main)
	}
	if len(r.Processes) != 2 || !strings.Contains(r.Processes[1], "serve-in-a-namespace") {
		t.Errorf("the process table: %q", r.Processes)
	}
	if w := f.Live.Wait; w == nil || w.Kind != "idle" || !strings.Contains(w.Text, "127.0.0.1:8080") {
		t.Errorf("it waits in %+v", w)
	}
}

// The thread that enters a namespace must not be used for anything else.
func TestWhatIsDialledInANamespaceIsOfThatNamespace(t *testing.T) {
	pid := isolated(t)
	n, err := openNamespace(pid)
	if err != nil {
		t.Fatal(err)
	}
	defer n.close()
	for range 20 {
		if p := probe(t.Context(), n.dial, "127.0.0.1:8080"); p.FirstBytes != "hello from inside" {
			t.Fatalf("inside: %+v", p)
		}
	}
	if p := probe(t.Context(), onHost().dial, "127.0.0.1:8080"); p.FirstBytes == "hello from inside" {
		t.Errorf("outside: %+v", p)
	}
}

func TestAProcessThatIsGoneIsNotRunning(t *testing.T) {
	cmd := exec.Command("/proc/self/exe", "-test.run", "^$")
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	var f Found
	if s, r := f.lookAt(cmd.Process.Pid, time.Second); s != nil || r.Running || r.ObservedSeconds != 1 {
		t.Errorf("%+v", r)
	}
}
