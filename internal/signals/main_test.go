package signals

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestMain ends the servers that the tests have shared.
func TestMain(m *testing.M) {
	code := m.Run()
	for _, end := range servers.ends {
		end()
	}
	os.Exit(code)
}

var servers struct {
	sync.Mutex
	ends []func()
}

// server is one that several tests share: starting it takes a second or two.
type server struct {
	once sync.Once
	addr string
	err  error
}

// running starts the server at its first use.
func (s *server) running(t *testing.T, start func(dir string, port int) (*exec.Cmd, error), up func(addr string) error) string {
	t.Helper()
	s.once.Do(func() { s.addr, s.err = begin(start, up) })
	if s.err != nil {
		t.Fatal(s.err)
	}
	return s.addr
}

func begin(start func(dir string, port int) (*exec.Cmd, error), up func(addr string) error) (string, error) {
	dir, err := os.MkdirTemp("", "aweigh-signals-")
	if err != nil {
		return "", err
	}
	os.Chmod(dir, 0o777) // for servers that run as another user
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	addr := l.Addr().String()
	l.Close()
	cmd, err := start(dir, l.Addr().(*net.TCPAddr).Port)
	if err != nil {
		os.RemoveAll(dir)
		return "", err
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return "", err
	}
	cmd.Stdout, cmd.Stderr, cmd.Dir = log, log, "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	servers.Lock()
	servers.ends = append(servers.ends, func() {
		cmd.Process.Signal(syscall.SIGINT) // PostgreSQL: disconnect everybody
		gone := make(chan struct{})
		go func() { cmd.Wait(); close(gone) }()
		select {
		case <-gone:
		case <-time.After(time.Second):
			cmd.Process.Signal(syscall.SIGTERM)
			<-gone
		}
		os.RemoveAll(dir)
	})
	servers.Unlock()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		err := up(addr)
		if err == nil {
			return addr, nil
		}
		if time.Now().After(deadline) {
			said, _ := os.ReadFile(log.Name())
			return "", fmt.Errorf("%s does not come up: %w\n%s", cmd.Args, err, said)
		}
	}
}

// as runs a command as another user if we are root: servers refuse to be root.
func as(name string, argv ...string) (*exec.Cmd, error) {
	if os.Getuid() == 0 {
		if _, err := user.Lookup(name); err != nil {
			return nil, err
		}
		argv = append([]string{"setpriv", "--reuid=" + name, "--regid=" + name, "--init-groups", "--"}, argv...)
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = "/"
	return cmd, nil
}

// program finds a program by patterns, or skips the test by its name, or fails
// it where everything must be there. test/setup installs it.
func program(t *testing.T, patterns ...string) string {
	t.Helper()
	for _, p := range patterns {
		if found, _ := filepath.Glob(p); len(found) > 0 {
			return found[len(found)-1]
		}
	}
	why := strings.Join(patterns, ", ") + " is not there: test/setup installs it"
	if os.Getenv("AWEIGH_TEST_ALL") != "" {
		t.Fatalf("%s (AWEIGH_TEST_ALL is set)", why)
	}
	t.Skip(why)
	return ""
}

// reading compiles a signal and evaluates it once.
func reading(t *testing.T, change func(*Signal)) Reading {
	t.Helper()
	c, err := Compile(linkage(change))
	if err != nil {
		t.Fatal(err)
	}
	return c.Evaluate(t.Context(), time.Now())
}

// says fails the test if a reading is another than expected.
func says(t *testing.T, r Reading, state State, why string) {
	t.Helper()
	if r.State != state || !strings.Contains(r.Why, why) || strings.Contains(r.Why, "\n") || r.Name != "linkage" || r.At.Location() != time.UTC {
		t.Errorf("%s: %s\nwant %s with %q", r.State, r.Why, state, why)
	}
}
