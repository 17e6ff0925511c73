package gather

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/aweigh/aweigh/internal/diagnose"
)

const (
	// firstBytes is what is kept of an answer.
	firstBytes = 120
	// probeWithin is what a service gets to answer. A look that must be quick
	// gives less.
	probeWithin = 2 * time.Second
)

// probe connects to host:port, asks as a browser would and keeps what comes
// first.
func probe(ctx context.Context, dial dialer, target string) *diagnose.Probe {
	began := time.Now()
	p := &diagnose.Probe{Target: target}
	defer func() { p.MS = int(time.Since(began).Milliseconds()) }()
	ctx, cancel := context.WithTimeout(ctx, probeWithin)
	defer cancel()
	conn, err := dial(ctx, "tcp", target)
	if err != nil {
		p.TCP = errorWord(err)
		return p
	}
	defer conn.Close()
	p.TCP = "connected"
	if end, ok := ctx.Deadline(); ok {
		conn.SetDeadline(end)
	}
	fmt.Fprintf(conn, "GET / HTTP/1.0\r\nHost: %s\r\nUser-Agent: aweigh\r\n\r\n", target)
	buf := make([]byte, firstBytes)
	n := 0
	for err = nil; err == nil && n < len(buf) && !bytes.Contains(buf[:n], []byte("\r\n\r\n")); {
		var more int
		more, err = conn.Read(buf[n:])
		n += more
	}
	switch {
	case n > 0:
		p.FirstBytes = string(buf[:n])
	case errors.Is(err, io.EOF):
		p.FirstBytes = "(closed without data)"
	default:
		p.FirstBytes = "(" + errorWord(err) + ")"
	}
	return p
}

// errorWord says an error of a connection in the words of the form's first
// files, which rules and people know.
func errorWord(err error) string {
	var errno syscall.Errno
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "ConnectionRefusedError: [Errno 111] Connection refused"
	case errors.Is(err, syscall.ECONNRESET):
		return "ConnectionResetError: [Errno 104] Connection reset by peer"
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return "TimeoutError: timed out"
	case errors.As(err, &errno):
		return fmt.Sprintf("OSError: [Errno %d] %s", int(errno), errno.Error())
	}
	var op *net.OpError
	if errors.As(err, &op) && op.Timeout() {
		return "TimeoutError: timed out"
	}
	return err.Error()
}
