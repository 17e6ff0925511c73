package gather

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"
)

// answering listens and does to each connection what it is told.
func answering(t *testing.T, do func(c *net.TCPConn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			do(c.(*net.TCPConn))
		}
	}()
	return l.Addr().String()
}

func TestAProbeSaysWhatCame(t *testing.T) {
	held := make(chan *net.TCPConn, 10) // or the runtime would close it
	for _, c := range []struct{ name, target, tcp, first string }{
		{"answer", answering(t, func(c *net.TCPConn) { fmt.Fprint(c, "HTTP/1.0 200 OK\r\n"); c.Close() }), "connected", "HTTP/1.0 200 OK"},
		{"nothing", answering(t, func(c *net.TCPConn) { c.Read(make([]byte, 4096)); c.Close() }), "connected", "(closed without data)"},
		{"reset", answering(t, func(c *net.TCPConn) { c.Read(make([]byte, 1)); c.SetLinger(0); c.Close() }), "connected", "(ConnectionResetError: [Errno 104] Connection reset by peer)"},
		{"silence", answering(t, func(c *net.TCPConn) { held <- c }), "connected", "(TimeoutError: timed out)"},
		{"refused", fmt.Sprintf("127.0.0.1:%d", closedPort(t)), "ConnectionRefusedError: [Errno 111] Connection refused", ""},
	} {
		within := 10 * time.Second
		if c.name == "silence" {
			within = 100 * time.Millisecond
		}
		ctx, cancel := context.WithTimeout(t.Context(), within)
		p := probe(ctx, onHost().dial, c.target)
		cancel()
		if p.TCP != c.tcp || !strings.HasPrefix(p.FirstBytes, c.first) || p.Target != c.target {
			t.Errorf("%s: %+v", c.name, p)
		}
	}
}
