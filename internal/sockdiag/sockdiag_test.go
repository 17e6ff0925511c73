package sockdiag

import (
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"
)

func listen(t testing.TB, addr string) (net.Listener, netip.AddrPort) {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Skipf("cannot listen on %s: %v", addr, err)
	}
	t.Cleanup(func() { l.Close() })
	ap := l.Addr().(*net.TCPAddr).AddrPort()
	return l, netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}

func TestNetlinkAndProcSeeTheSameListeners(t *testing.T) {
	_, four := listen(t, "127.0.0.1:0")
	_, six := listen(t, "[::1]:0")
	_, any := listen(t, ":0")
	table := Open()
	defer table.Close()
	if table.Slow() {
		t.Fatal("no netlink here")
	}
	fast, err := table.Listeners(nil)
	if err != nil {
		t.Fatal(err)
	}
	slow, err := readProc(nil, 1<<Listen)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []netip.AddrPort{four, six, any} {
		match := func(s Socket) bool { return s.Local == want }
		i, j := slices.IndexFunc(fast, match), slices.IndexFunc(slow, match)
		if i < 0 || j < 0 {
			t.Errorf("%v: netlink %v, proc %v", want, i >= 0, j >= 0)
			continue
		}
		if fast[i].Inode != slow[j].Inode || fast[i].Inode == 0 || fast[i].State != Listen || fast[i].UID != slow[j].UID {
			t.Errorf("%v: netlink says %+v, proc %+v", want, fast[i], slow[j])
		}
	}
}

func TestAcceptedTellsAConnectionThatNobodyTookYet(t *testing.T) {
	for _, addr := range []string{"127.0.0.1:0", "[::1]:0", ":0"} {
		l, server := listen(t, addr)
		if server.Addr().IsUnspecified() {
			server = netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), server.Port())
		}
		c, err := net.Dial("tcp", server.String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		table := Open()
		defer table.Close()
		client := c.LocalAddr().(*net.TCPAddr).AddrPort()
		if accepted, known := table.Accepted(server, client); accepted || !known {
			t.Errorf("%s: before accept: accepted %v, known %v", addr, accepted, known)
		}
		s, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if accepted, known := table.Accepted(server, client); !accepted || !known {
			t.Errorf("%s: after accept: accepted %v, known %v", addr, accepted, known)
		}
	}
}

// A server that takes a connection and closes it at once, without a word (one that
// knows its clients by their address, say), was never ready: the kernel keeps its
// side of the connection for a minute, and nobody holds that.
func TestAcceptedKnowsAConnectionThatWasTakenAndClosed(t *testing.T) {
	for _, addr := range []string{"127.0.0.1:0", "[::1]:0"} {
		l, server := listen(t, addr)
		c, err := net.Dial("tcp", server.String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		s, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		s.Close()
		table := Open()
		defer table.Close()
		if accepted, known := table.Accepted(server, c.LocalAddr().(*net.TCPAddr).AddrPort()); known && !accepted {
			t.Errorf("%s: a connection that was accepted and closed is said to wait for being accepted", addr)
		}
	}
}

func TestConnectionsHaveBothEnds(t *testing.T) {
	l, server := listen(t, "127.0.0.1:0")
	c, err := net.DialTimeout("tcp", l.Addr().String(), time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	table := Open()
	defer table.Close()
	all, err := table.All()
	if err != nil {
		t.Fatal(err)
	}
	client := c.LocalAddr().(*net.TCPAddr).AddrPort()
	if !slices.ContainsFunc(all, func(s Socket) bool {
		return s.Local == client && s.Remote == server && s.State == Established
	}) {
		t.Errorf("no %v -> %v in %d sockets", client, server, len(all))
	}
}

func FuzzProcLine(f *testing.F) {
	f.Add([]byte("   0: 0100007F:138B 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12345 1 0000000000000000 100 0 0 10 0"))
	f.Add([]byte("   1: 00000000000000000000000000000000:0016 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 9 1"))
	f.Fuzz(func(t *testing.T, line []byte) {
		if s, ok := parseProcLine(line); ok && !s.Local.IsValid() {
			t.Errorf("%q gave %+v", line, s)
		}
	})
}

func BenchmarkListenersByNetlink(b *testing.B) {
	table := Open()
	defer table.Close()
	var buf []Socket
	for b.Loop() {
		buf, _ = table.Listeners(buf[:0])
	}
}

func BenchmarkListenersByProc(b *testing.B) {
	var buf []Socket
	for b.Loop() {
		buf, _ = readProc(buf[:0], 1<<Listen)
	}
}

func TestANewListenerChangesTheCount(t *testing.T) {
	table := Open()
	defer table.Close()
	if changed, known := table.Changed(); !changed || !known {
		t.Fatalf("the first time: changed %v, known %v", changed, known)
	}
	for _, network := range []string{"tcp4", "tcp6"} {
		l, err := net.Listen(network, "localhost:0")
		if err != nil {
			t.Logf("%s: %v", network, err)
			continue
		}
		if changed, known := table.Changed(); !changed || !known {
			t.Errorf("%s: changed %v, known %v", network, changed, known)
		}
		l.Close()
		table.Changed() // that one has gone is another change
	}
}

func TestOnlyWhatCountsSocketsCounts(t *testing.T) {
	for text, want := range map[string]string{
		"sockets: used 23\nTCP: inuse 5 orphan 0 tw 2 alloc 8 mem 1\nUDP: inuse 3 mem 0\n": "5 orphan 0 tw 2",
		"TCP6: inuse 3\nUDP6: inuse 9\n": "3",
		"TCP: inuse 12":                  "12",
	} {
		if got, ok := tcpCounts([]byte(text)); !ok || string(got) != want {
			t.Errorf("%q: %q, %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "UDP: inuse 3", "TCP:", "TCP: inuse", "TCP: orphan 1 tw 2"} {
		if got, ok := tcpCounts([]byte(text)); ok {
			t.Errorf("%q: %q", text, got)
		}
	}
}

// What a look costs, by the way it is made. After a pause each costs several
// times as much, for nothing is in the caches any more.
func BenchmarkLook(b *testing.B) {
	table := Open()
	defer table.Close()
	b.Run("count", func(b *testing.B) {
		for b.Loop() {
			table.Changed()
		}
	})
	b.Run("one port", func(b *testing.B) {
		for b.Loop() {
			table.Heard(1)
		}
	})
	b.Run("all listeners", func(b *testing.B) {
		for b.Loop() {
			table.Listeners(nil)
		}
	})
	b.Run("all sockets", func(b *testing.B) {
		for b.Loop() {
			table.All()
		}
	})
}
