// Package dockerd starts a Docker Engine for tests alone: Debian's dockerd, which
// they may kill, or let run out of room, without hurting anybody else's.
//
//	dockerd.Sweep("awt") // what a killed run left
//	e, err := dockerd.New("awt", 0)
//	defer e.Close()
//	err = e.Start()
//	err = e.End(syscall.SIGKILL)
//
// All of it lives in a PID and mount namespace of its own, so that the end of the
// namespace's first process, which comes with ours at the latest, is the end of the
// engine, its containers and its mounts.
package dockerd

import (
	"errors"
	"fmt"
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

// patience is for a machine that has more to do.
const patience = 60 * time.Second

// Engine is one engine. Several of a process have different numbers.
type Engine struct {
	Dir string // of all that it keeps

	prefix string
	number int
	init   *exec.Cmd // holds the namespace
	inside string    // the pid of the namespace's first process, from here
	daemon *exec.Cmd
}

// Missing says what keeps an engine from being started here; "" for nothing.
func Missing() string {
	if os.Getuid() != 0 {
		return "only root can start a container engine"
	}
	for _, program := range []string{"dockerd", "docker", "unshare", "nsenter", "ip"} {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Sprintf("no container engine can be started here, %s is not there: test/setup installs it", program)
		}
	}
	return ""
}

// New makes the network, directory and namespace of an engine. Prefix has four
// letters at most, and begins the names of all that is made.
func New(prefix string, number int) (*Engine, error) {
	e := &Engine{prefix: prefix, number: number}
	if err := e.prepare(); err != nil {
		e.Close()
		return nil, fmt.Errorf("an engine of our own: %w", err)
	}
	return e, nil
}

func (e *Engine) prepare() (err error) {
	if e.Dir, err = os.MkdirTemp("/tmp", fmt.Sprintf("%s-%d-", e.prefix, os.Getpid())); err != nil {
		return err
	}
	if err := os.WriteFile(e.Configuration(), []byte("{}"), 0o600); err != nil {
		return err
	}
	for _, args := range [][]string{
		{"link", "add", "name", e.bridge(), "type", "bridge"},
		{"addr", "add", e.subnet() + ".1/24", "dev", e.bridge()},
		{"link", "set", e.bridge(), "up"},
	} {
		if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, out)
		}
	}
	// bash reaps what is orphaned, as a first process must.
	e.init = exec.Command("unshare", "--pid", "--mount", "--fork", "--mount-proc", "--kill-child", "bash", "-c", "sleep infinity & wait; wait")
	e.init.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := e.init.Start(); err != nil {
		return err
	}
	if !within(func() bool {
		b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", e.init.Process.Pid))
		e.inside = strings.TrimSpace(string(b))
		return e.inside != ""
	}) {
		return errors.New("unshare has started nothing")
	}
	return nil
}

func (e *Engine) bridge() string {
	return fmt.Sprintf("%s%d.%d", e.prefix, os.Getpid()%100000, e.number)
}
func (e *Engine) subnet() string { return fmt.Sprintf("10.%d.%d", 160+os.Getpid()%64, e.number) }
func (e *Engine) cgroup() string { return fmt.Sprintf("%s-%d", e.prefix, os.Getpid()) }
func (e *Engine) pid() string    { return filepath.Join(e.Dir, "pid") }

// Inside is where a path of the engine's namespace is, from here.
func (e *Engine) Inside(path string) string { return filepath.Join("/proc", e.inside, "root", path) }

// Socket is where it listens, and Host the same as a URL.
func (e *Engine) Socket() string { return filepath.Join(e.Dir, "s") }
func (e *Engine) Host() string   { return "unix://" + e.Socket() }

// Data is where images and containers are.
func (e *Engine) Data() string { return filepath.Join(e.Dir, "data") }

// Configuration is its daemon.json.
func (e *Engine) Configuration() string { return filepath.Join(e.Dir, "daemon.json") }

// Log is what it printed.
func (e *Engine) Log() string {
	b, _ := os.ReadFile(filepath.Join(e.Dir, "log"))
	return string(b)
}

// Enter is a program in the engine's namespaces.
func (e *Engine) Enter(args ...string) *exec.Cmd {
	return exec.Command("nsenter", append([]string{"--target", e.inside, "--pid", "--mount"}, args...)...)
}

// Start starts dockerd, and waits until it answers.
func (e *Engine) Start() error {
	log, err := os.OpenFile(filepath.Join(e.Dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	// It leaves this machine's packet filter alone, which it would else share
	// with the engine that runs here.
	e.daemon = e.Enter("dockerd", "--config-file", e.Configuration(), "--data-root", e.Data(), "--exec-root", filepath.Join(e.Dir, "exec"),
		"--pidfile", e.pid(), "--host", e.Host(), "--bridge", e.bridge(), "--iptables=false", "--ip-masq=false", "--ip-forward=false",
		"--cgroup-parent", "/"+e.cgroup())
	e.daemon.Stdout, e.daemon.Stderr = log, log
	if err := e.daemon.Start(); err != nil {
		return err
	}
	if !within(func() bool {
		c, err := net.Dial("unix", e.Socket())
		if err != nil {
			return false
		}
		c.Close()
		return exec.Command("docker", "--host", e.Host(), "version").Run() == nil
	}) {
		return fmt.Errorf("dockerd does not answer:\n%s", e.Log())
	}
	return nil
}

// End sends dockerd a signal, and waits until it has ended.
func (e *Engine) End(signal syscall.Signal) error {
	pid, err := os.ReadFile(e.pid())
	if err != nil {
		return err
	}
	if out, err := e.Enter("kill", "-"+strconv.Itoa(int(signal)), strings.TrimSpace(string(pid))).CombinedOutput(); err != nil {
		return fmt.Errorf("dockerd cannot be signalled: %w: %s", err, out)
	}
	e.daemon.Wait()
	return nil
}

// Close ends the engine and all that is in its namespace.
func (e *Engine) Close() {
	if e.init != nil && e.init.Process != nil {
		if pid, err := strconv.Atoi(e.inside); err == nil {
			syscall.Kill(pid, syscall.SIGKILL)
		}
		e.init.Wait()
	}
	if e.daemon != nil {
		e.daemon.Wait()
	}
	exec.Command("ip", "link", "del", e.bridge()).Run()
	removeCgroups(e.cgroup())
	os.RemoveAll(e.Dir)
}

func removeCgroups(name string) {
	for _, dir := range []string{"/sys/fs/cgroup/" + name, "/sys/fs/cgroup/*/" + name} {
		found, _ := filepath.Glob(dir)
		for _, top := range found {
			var below []string
			filepath.WalkDir(top, func(path string, d os.DirEntry, err error) error {
				if err == nil && d.IsDir() {
					below = append(below, path)
				}
				return nil
			})
			for _, dir := range slices.Backward(below) {
				syscall.Rmdir(dir)
			}
		}
	}
}

// Sweep removes what runs have left that were killed. Their processes have ended
// with them.
func Sweep(prefix string) {
	gone := func(pid string) bool {
		n, err := strconv.Atoi(pid)
		return err == nil && syscall.Kill(n, 0) == syscall.ESRCH
	}
	dirs, _ := filepath.Glob("/tmp/" + prefix + "-*-*")
	for _, dir := range dirs {
		if pid := strings.Split(filepath.Base(dir), "-")[1]; gone(pid) {
			syscall.Unmount(filepath.Join(dir, "full"), syscall.MNT_DETACH)
			os.RemoveAll(dir)
			removeCgroups(prefix + "-" + pid)
		}
	}
	links, _ := filepath.Glob("/sys/class/net/" + prefix + "*.*")
	for _, link := range links {
		name := filepath.Base(link)
		if pid, _, _ := strings.Cut(strings.TrimPrefix(name, prefix), "."); gone(pid) {
			exec.Command("ip", "link", "del", name).Run()
		}
	}
}

func within(holds func() bool) bool {
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}
