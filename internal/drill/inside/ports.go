package inside

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"syscall"
	"time"
)

// hold takes the port, for IPv4 and IPv6, and runs the command. It does not
// listen, so that nobody takes it for the service.
func hold(args, command []string) error {
	port, err := number(args, 0)
	if err != nil {
		return err
	}
	if err := bind(syscall.AF_INET, &syscall.SockaddrInet4{Port: port}); err != nil {
		return fmt.Errorf("port %d: %w", port, err)
	}
	bind(syscall.AF_INET6, &syscall.SockaddrInet6{Port: port}) // there may be no IPv6
	say("port %d is taken", port)
	s, err := launch(command, false)
	if err != nil {
		return err
	}
	os.Exit(s.wait())
	return nil
}

// bind takes an address for as long as this process lives. It does so without
// SO_REUSEADDR, or two that only bind would not be in each other's way.
func bind(family int, address syscall.Sockaddr) error {
	fd, err := syscall.Socket(family, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	if family == syscall.AF_INET6 {
		syscall.SetsockoptInt(fd, syscall.IPPROTO_IPV6, syscall.IPV6_V6ONLY, 1)
	}
	return syscall.Bind(fd, address)
}

// serve is a server in the command's place.
func serve(args, _ []string) error {
	if len(args) == 0 {
		return errors.New("an address is missing")
	}
	say("a server listens on %s in its place", args[0])
	l, err := net.Listen("tcp", args[0])
	if err != nil {
		return err
	}
	go answer(l, well)
	return rest()
}

// blackhole listens, and never takes a connection: once the queue is full the
// kernel drops what comes, without a word.
func blackhole(args, _ []string) error {
	for n := range args {
		port, err := number(args, n)
		if err != nil {
			return err
		}
		if err := swallow(port); err != nil {
			return fmt.Errorf("port %d: %w", port, err)
		}
	}
	return rest()
}

func swallow(port int) error {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Port: port}); err != nil {
		return err
	}
	if err := syscall.Listen(fd, 1); err != nil {
		return err
	}
	for range 16 { // the queue holds one more than the backlog
		c, err := net.DialTimeout("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), 200*time.Millisecond)
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() {
			return nil
		}
		if err != nil {
			return err
		}
		kept = append(kept, c)
	}
	return errors.New("its queue does not fill")
}

// kept keeps connections from being closed by the garbage collector.
var kept []net.Conn
