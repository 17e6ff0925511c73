package probe

import (
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"
)

// bound is a socket that holds a port of 127.0.0.1 and does not listen: who
// connects is refused, and no other process can take the port meanwhile. Port 0
// is any. ok is false when the port is taken.
func bound(t testing.TB, port uint16) (fd int, addr netip.AddrPort, ok bool) {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	loopback := [4]byte{127, 0, 0, 1}
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: loopback, Port: int(port)}); err != nil {
		return 0, addr, false
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return fd, netip.AddrPortFrom(netip.AddrFrom4(loopback), uint16(name.(*syscall.SockaddrInet4).Port)), true
}

func freePort(t testing.TB) netip.AddrPort {
	t.Helper()
	_, addr, ok := bound(t, 0)
	if !ok {
		t.Fatal("no port is free")
	}
	return addr
}

// listenOnSixAlone serves on ::1, on a port where 127.0.0.1 refuses.
func listenOnSixAlone(t *testing.T, handle func(net.Conn)) netip.AddrPort {
	t.Helper()
	for range 20 {
		addr := listen(t, "[::1]:0", handle)
		if _, _, ok := bound(t, addr.Port()); ok {
			return addr
		}
	}
	t.Fatal("no port is free in both families")
	return netip.AddrPort{}
}

// fullQueue is a listener that never accepts and has no room left in its queue.
func fullQueue(t *testing.T) netip.AddrPort {
	t.Helper()
	fd, addr, ok := bound(t, 0)
	if !ok {
		t.Fatal("no port is free")
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the queue has room for backlog + 1
		c, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { syscall.Close(c) })
		syscall.Connect(c, &syscall.SockaddrInet4{Addr: addr.Addr().As4(), Port: int(addr.Port())})
	}
	time.Sleep(5 * time.Millisecond) // the handshakes are the kernel's
	return addr
}
