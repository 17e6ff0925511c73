package probe

import (
	"context"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aweigh/aweigh/internal/expect"
)

// listen serves each connection to addr by handle, in a goroutine; the test
// ends when all of them have.
func listen(t testing.TB, addr string, handle func(net.Conn)) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Skipf("cannot listen on %s here: %v", addr, err)
	}
	var conns sync.WaitGroup
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conns.Go(func() {
				defer conn.Close()
				handle(conn)
			})
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
		conns.Wait()
	})
	return l.Addr().(*net.TCPAddr).AddrPort()
}

// answers is a server that reads a request's first bytes, sends text and closes.
func answers(t testing.TB, text string) netip.AddrPort {
	t.Helper()
	return listen(t, "127.0.0.1:0", func(c net.Conn) {
		c.Read(make([]byte, 64<<10))
		io.WriteString(c, text)
	})
}

// holds is a server that sends text and then waits until the client leaves.
func holds(t testing.TB, text string) netip.AddrPort {
	t.Helper()
	return listen(t, "127.0.0.1:0", func(c net.Conn) {
		io.WriteString(c, text)
		io.Copy(io.Discard, c)
	})
}

func parse(t testing.TB, target string) Target {
	t.Helper()
	parsed, err := Parse(target, 0)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func compile(t testing.TB, src string) *expect.Expr {
	t.Helper()
	if src == "" {
		return nil
	}
	e, err := expect.Compile(src)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// ask probes by a deadline and insists on it.
func ask(t testing.TB, target string, timeout time.Duration, want string) Result {
	t.Helper()
	return askBy(t, Prober{}, target, timeout, want)
}

func askBy(t testing.TB, p Prober, target string, timeout time.Duration, want string) Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	began := time.Now()
	r := p.Run(ctx, parse(t, target), compile(t, want))
	if took := time.Since(began); took > timeout+500*time.Millisecond {
		t.Errorf("%s took %v of %v", target, took, timeout)
	}
	if r.Reason == "" || strings.ContainsAny(r.Reason, "\r\n\x1b") || r.OK != (r.Kind == KindOK) {
		t.Errorf("%s: not a proper result: %+v", target, r)
	}
	return r
}

// long is a timeout that no test waits for, short is one that they do.
const (
	long  = 10 * time.Second
	short = 100 * time.Millisecond
)

func wants(t testing.TB, r Result, kind string, reason string) {
	t.Helper()
	if r.Kind != kind || !strings.Contains(r.Reason, reason) {
		t.Errorf("got  %s: %s\nwant %s: …%s…", r.Kind, r.Reason, kind, reason)
	}
}

func TestTCPConnects(t *testing.T) {
	addr := holds(t, "")
	r := ask(t, "tcp://"+addr.String(), long, "")
	wants(t, r, KindOK, "connected")
	if r.RemoteAddr != addr || r.LocalAddr.Port() == 0 || r.Latency <= 0 {
		t.Errorf("%+v", r)
	}
	wants(t, ask(t, "tcp://"+addr.String(), long, "latency < 1ns"), KindExpect, "expected latency < 1ns, got latency")
}

func TestEmptyHostIsTheInstanceItself(t *testing.T) {
	four := holds(t, "")
	for _, host := range []string{"", "localhost", "127.0.0.1"} {
		wants(t, Run(t.Context(), Target{Protocol: TCP, Host: host, Port: int(four.Port())}, nil), KindOK, "connected")
	}
	six := listenOnSixAlone(t, func(c net.Conn) { io.Copy(io.Discard, c) })
	for _, host := range []string{"", "localhost", "::1"} {
		r := Run(t.Context(), Target{Protocol: TCP, Host: host, Port: int(six.Port())}, nil)
		wants(t, r, KindOK, "connected")
		if r.RemoteAddr != six {
			t.Errorf("asked %v, not %v", r.RemoteAddr, six)
		}
	}
}

func TestNoConnection(t *testing.T) {
	free := freePort(t)
	for _, scheme := range []string{"tcp", "http", "https", "grpc"} {
		wants(t, ask(t, scheme+"://"+free.String(), long, ""), KindRefused, "connection refused")
	}
	wants(t, ask(t, "http://no-such-host.invalid:80/", long, ""), KindDNS, `"no-such-host.invalid"`)
	wants(t, Run(t.Context(), Target{Protocol: HTTP, Path: "/"}, nil), KindTarget, "port")
}

func TestCancelledProbe(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	addr := listen(t, "127.0.0.1:0", func(c net.Conn) {
		cancel()
		io.Copy(io.Discard, c)
	})
	r := Run(ctx, parse(t, "http://"+addr.String()), nil)
	if r.OK || r.Latency > time.Second {
		t.Errorf("%+v", r)
	}
}

// A listener whose queue is full takes no connection: the kernel drops the SYN.
func TestFullAcceptQueue(t *testing.T) {
	addr := fullQueue(t)
	wants(t, ask(t, "tcp://"+addr.String(), short, ""), KindTimeout, "no connection after 1")
	wants(t, ask(t, "http://"+addr.String(), short, ""), KindTimeout, "no connection after 1")
}
