package proc

import (
	"bufio"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aweigh/aweigh/internal/sockdiag"
)

// The test binary is its own hung service: with PROC_TEST_CHILD it plays the
// named part, on the argument that follows.
func TestMain(m *testing.M) {
	part, argument, _ := strings.Cut(os.Getenv("PROC_TEST_CHILD"), " ")
	if part == "" {
		os.Exit(m.Run())
	}
	fmt.Println("up")
	parts[part](argument)
	fmt.Println(part, "did not block")
	time.Sleep(time.Hour)
}

var parts = map[string]func(string){
	"connect": func(addr string) { // blocks in connect(2), as C, Python and Ruby do
		to := netip.MustParseAddrPort(addr)
		fd, _ := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
		fmt.Println(syscall.Connect(fd, &syscall.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()}))
	},
	"recv": func(addr string) {
		to := netip.MustParseAddrPort(addr)
		fd, _ := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
		fmt.Println(syscall.Connect(fd, &syscall.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()}))
		syscall.Recvfrom(fd, make([]byte, 1), 0)
	},
	"dial": func(addr string) { // waits in the netpoller, as Go, Node, Java and asyncio do
		fmt.Println(net.Dial("tcp", addr))
	},
	"ask": func(addr string) {
		c, err := net.Dial("tcp", addr)
		fmt.Println(err)
		c.Read(make([]byte, 1))
	},
	"retry": func(addr string) {
		for {
			net.DialTimeout("tcp", addr, 200*time.Millisecond)
			time.Sleep(20 * time.Millisecond)
		}
	},
	"resolve": func(addr string) {
		c, err := net.Dial("udp", addr)
		fmt.Println(err)
		c.Read(make([]byte, 1))
	},
	"unix": func(path string) {
		fd, _ := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
		fmt.Println(syscall.Connect(fd, &syscall.SockaddrUnix{Name: path}))
	},
	"fifo": func(path string) { fmt.Println(os.OpenFile(path, os.O_RDONLY, 0)) },
	"flock": func(path string) {
		f, _ := os.Open(path)
		fmt.Println(syscall.Flock(int(f.Fd()), syscall.LOCK_EX))
	},
	"sleep": func(string) {
		ts := syscall.Timespec{Sec: 1000}
		fmt.Println(syscall.Nanosleep(&ts, nil))
	},
	"spin": func(string) {
		for n := 0; ; n++ {
			_ = n
		}
	},
	"listen": func(addr string) {
		l, _ := net.Listen("tcp", addr)
		fmt.Println(l.Addr())
		l.Accept()
	},
	"deadlock": func(string) { select {} },
}

// play starts the test binary in a part, and waits until it runs.
func play(t *testing.T, part string) int {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), "PROC_TEST_CHILD="+part, "GODEBUG=asyncpreemptoff=1")
	return start(t, cmd)
}

// start starts a command that says a line when it is up.
func start(t *testing.T, cmd *exec.Cmd) int {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		cmd.Wait()
	})
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal("the child did not come up: ", err)
	}
	return cmd.Process.Pid
}

// sockets returns the kernel's TCP table.
func sockets(t testing.TB) []sockdiag.Socket {
	t.Helper()
	table := sockdiag.Open()
	defer table.Close()
	all, err := table.All()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// telling looks at the tree of pid, pid included, until the wait is as wanted.
func telling(t *testing.T, pid int, want func(Wait) bool) Look {
	t.Helper()
	var sampler Sampler
	var last Look
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		root, err := Read(pid)
		if err != nil {
			t.Fatal(err)
		}
		tree := append([]Process{root}, Tree(pid)...)
		last, _ = Telling(sampler.Look(tree, sockets(t), time.Now()))
		if want(last.Wait) {
			return last
		}
	}
	t.Fatalf("after 10 s it is still said to be: %s\n%+v\nthreads %+v", last.Wait, last.Wait, last.Tasks)
	return last
}

// silent returns the address of a listener that accepts nothing. Connections
// to it are established by the kernel until its backlog is full.
func silent(t *testing.T, backlog int) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, backlog); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("127.0.0.1:%d", name.(*syscall.SockaddrInet4).Port)
}

// blackhole returns an address where connections stay in syn-sent: a listener
// whose backlog is full drops what comes.
func blackhole(t *testing.T) string {
	t.Helper()
	addr := silent(t, 0)
	for range 8 {
		c, err := net.DialTimeout("tcp", addr, 300*time.Millisecond)
		if err != nil {
			return addr
		}
		t.Cleanup(func() { c.Close() })
	}
	t.Fatal("the backlog does not fill up")
	return ""
}
