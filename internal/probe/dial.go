package probe

import (
	"context"
	"net"
	"net/netip"
	"strconv"
	"time"
)

// DialTCP connects to the target, by ctx's deadline at the latest. An empty
// host and localhost are 127.0.0.1, then ::1; of any other name each address is
// tried. The connection is the caller's to close. Classify explains the error.
func DialTCP(ctx context.Context, t Target) (net.Conn, error) {
	// A probe's connection lives too short for keep-alives.
	d := net.Dialer{KeepAlive: -1}
	port := strconv.Itoa(t.Port)
	// localhost needs no resolver: an image without /etc/hosts has it, too.
	if t.Host != "" && t.Host != "localhost" {
		return d.DialContext(ctx, "tcp", net.JoinHostPort(t.Host, port))
	}
	conn, err := d.DialContext(ctx, "tcp4", net.JoinHostPort("127.0.0.1", port))
	if err != nil && ctx.Err() == nil {
		if six, err := d.DialContext(ctx, "tcp6", net.JoinHostPort("::1", port)); err == nil {
			return six, nil
		}
	}
	return conn, err
}

// connect dials for a probe: it notes the ends of the connection in r, and the
// connection fails when ctx ends. The returned function closes it.
func connect(ctx context.Context, t Target, r *Result) (net.Conn, func(), error) {
	conn, err := DialTCP(ctx, t)
	if err != nil {
		return nil, nil, err
	}
	r.LocalAddr, r.RemoteAddr = addrPort(conn.LocalAddr()), addrPort(conn.RemoteAddr())
	if deadline, ok := ctx.Deadline(); ok {
		conn.SetDeadline(deadline)
	}
	// A deadline ends reads by itself; being cancelled earlier needs a hand.
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	return conn, func() { stop(); conn.Close() }, nil
}

func addrPort(a net.Addr) netip.AddrPort {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	ap := tcp.AddrPort()
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}
