package gather

import (
	"context"
	"fmt"
	"net"
	"os"
	"runtime"
	"syscall"
	"time"
)

// namespace is the network namespace of a process. It keeps its file open, so
// that a pid which is used again leads nowhere else.
type namespace struct{ file *os.File }

// openNamespace opens the network namespace of pid, which takes root.
func openNamespace(pid int) (*namespace, error) {
	f, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", pid))
	if err != nil {
		return nil, err
	}
	return &namespace{f}, nil
}

func (n *namespace) close() { n.file.Close() }

// in runs do in the namespace, on a thread that does nothing else meanwhile and
// comes back to where it was. It is not left to die there: children that are to
// die with their parent (PR_SET_PDEATHSIG) die with the thread that made them.
func (n *namespace) in(do func() error) error {
	runtime.LockOSThread()
	home, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("the network namespace of this program: %w", err)
	}
	defer home.Close()
	if err := enter(n.file); err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("entering the network namespace: %w", err)
	}
	err = do()
	if enter(home) == nil {
		runtime.UnlockOSThread()
	} // else it ends with its goroutine, and nothing else runs there
	return err
}

func enter(namespace *os.File) error {
	if _, _, errno := syscall.RawSyscall(sysSetns, namespace.Fd(), syscall.CLONE_NEWNET, 0); errno != 0 {
		return errno
	}
	return nil
}

// dial connects from within the namespace; addr has an IP address.
func (n *namespace) dial(ctx context.Context, network, addr string) (conn net.Conn, err error) {
	err = n.in(func() (err error) {
		// A dialer with one address makes its socket in the calling thread.
		d := net.Dialer{FallbackDelay: -1}
		conn, err = d.DialContext(ctx, network, addr)
		return err
	})
	return conn, err
}

// dialer connects to an IP address and a port, from somewhere.
type dialer func(ctx context.Context, network, addr string) (net.Conn, error)

// resolver asks a name server through d, and no other.
func resolver(d dialer, server string) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		return d(ctx, network, server)
	}}
}
