package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// overSSH dials an engine on another host as Docker's own program does: it has
// ssh run `docker system dial-stdio` there. Keys and hosts are those of ssh's own
// configuration; nobody is asked for a password.
func overSSH(u *url.URL) (func(ctx context.Context, network, addr string) (net.Conn, error), error) {
	if u.Hostname() == "" || u.Path != "" && u.Path != "/" {
		return nil, fmt.Errorf("container engine %q: write ssh://[USER@]HOST[:PORT]", u.Redacted())
	}
	// A stream of events may be silent for hours. A router that forgets its connection
	// meanwhile tells neither side: ssh asks, and gives up after three times.
	args := []string{"-o", "BatchMode=yes", "-o", "ConnectTimeout=15", "-o", "ServerAliveInterval=15"}
	if u.User != nil && u.User.Username() != "" {
		args = append(args, "-l", u.User.Username())
	}
	if u.Port() != "" {
		args = append(args, "-p", u.Port())
	}
	args = append(args, "--", u.Hostname(), "docker", "system", "dial-stdio")
	return func(context.Context, string, string) (net.Conn, error) {
		// The connection outlives the request that it was made for.
		cmd := exec.Command("ssh", args...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		in, err := cmd.StdinPipe()
		if err != nil {
			return nil, err
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			return nil, err
		}
		if err := cmd.Start(); err != nil {
			return nil, fmt.Errorf("ssh: %w", err)
		}
		return &pipe{in: in, out: out, cmd: cmd}, nil
	}, nil
}

// pipe is a connection through a program's standard input and output.
type pipe struct {
	in  io.WriteCloser
	out io.ReadCloser
	cmd *exec.Cmd

	once   sync.Once // who reads and whose time is up close it both
	closed error
}

func (p *pipe) Read(b []byte) (int, error)  { return p.out.Read(b) }
func (p *pipe) Write(b []byte) (int, error) { return p.in.Write(b) }

// CloseWrite tells the other side that no more comes.
func (p *pipe) CloseWrite() error { return p.in.Close() }

func (p *pipe) Close() error {
	p.once.Do(func() {
		if err := p.in.Close(); !errors.Is(err, os.ErrClosed) {
			p.closed = err
		}
		p.cmd.Process.Kill()
		p.cmd.Wait()
	})
	return p.closed
}

func (p *pipe) LocalAddr() net.Addr  { return pipeAddr{} }
func (p *pipe) RemoteAddr() net.Addr { return pipeAddr{} }

// Requests are bounded by their contexts.
func (p *pipe) SetDeadline(t time.Time) error {
	return errors.Join(p.SetReadDeadline(t), p.SetWriteDeadline(t))
}

func (p *pipe) SetReadDeadline(t time.Time) error {
	return deadline(p.out, t, (*os.File).SetReadDeadline)
}
func (p *pipe) SetWriteDeadline(t time.Time) error {
	return deadline(p.in, t, (*os.File).SetWriteDeadline)
}

func deadline(end any, t time.Time, set func(*os.File, time.Time) error) error {
	if f, ok := end.(*os.File); ok {
		return set(f, t)
	}
	return nil
}

type pipeAddr struct{}

func (pipeAddr) Network() string { return "ssh" }
func (pipeAddr) String() string  { return "ssh" }
