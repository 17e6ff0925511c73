// Package sdnotify receives systemd's notify protocol
// (https://www.freedesktop.org/software/systemd/man/sd_notify.html) from a
// service:
//
//	socket, err := sdnotify.Listen()
//	env = append(env, "NOTIFY_SOCKET="+socket.Address)
//	err = socket.Receive(func(m sdnotify.Message) { ... })
package sdnotify

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"
)

// Message is what one datagram said. A datagram may say several things.
type Message struct {
	Status        string // STATUS=, one line, at most 200 bytes; "" when it said none
	Ready         bool
	Stopping      bool
	Reloading     bool
	Watchdog      bool          // WATCHDOG=1: it lives
	Trigger       bool          // WATCHDOG=trigger: it wants to be thought dead
	WatchdogEvery time.Duration // WATCHDOG_USEC=; zero when it said none
	Extend        time.Duration // EXTEND_TIMEOUT_USEC=; zero when it said none
	Errno         int           // ERRNO=
	At            time.Time     // when it was received
	UID, PID      int           // of the sender, by the kernel's word; the sender may be gone
}

const maxDatagram = 16 << 10

// Parse reads a datagram. What it does not know, and what is malformed, it
// leaves out: a service must not fail by what it says of itself.
func Parse(datagram []byte) Message {
	var m Message
	for line := range bytes.SplitSeq(datagram, []byte("\n")) {
		key, value, ok := strings.Cut(string(line), "=")
		if !ok {
			continue
		}
		switch key {
		case "STATUS":
			m.Status = oneLine(value)
		case "READY":
			m.Ready = value == "1"
		case "STOPPING":
			m.Stopping = value == "1"
		case "RELOADING":
			m.Reloading = value == "1"
		case "WATCHDOG":
			m.Watchdog, m.Trigger = value == "1", value == "trigger"
		case "WATCHDOG_USEC":
			m.WatchdogEvery = microseconds(value)
		case "EXTEND_TIMEOUT_USEC":
			m.Extend = microseconds(value)
		case "ERRNO":
			m.Errno, _ = strconv.Atoi(value)
		}
	}
	return m
}

// maxExtend bounds what a service may ask for at once; it can ask again.
const maxExtend = 24 * time.Hour

func microseconds(s string) time.Duration {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil || n > uint64(maxExtend/time.Microsecond) {
		if errors.Is(err, strconv.ErrRange) || err == nil {
			return maxExtend
		}
		return 0
	}
	return time.Duration(n) * time.Microsecond
}

func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == utf8.RuneError {
			return ' '
		}
		return r
	}, s)
	s = strings.TrimSpace(s)
	for len(s) > 200 {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s
}

// Socket is where a service sends its datagrams.
type Socket struct {
	Address string // the value of NOTIFY_SOCKET
	conn    *net.UnixConn
}

// Listen opens a socket in the abstract namespace, which needs no writable
// directory and leaves no file behind.
func Listen() (*Socket, error) {
	var random [8]byte
	rand.Read(random[:])
	address := "@aweigh/notify/" + hex.EncodeToString(random[:])
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: address, Net: "unixgram"})
	if err != nil {
		return nil, fmt.Errorf("notify socket: %w", err)
	}
	raw, err := conn.SyscallConn()
	if err == nil {
		err = raw.Control(func(fd uintptr) {
			syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_PASSCRED, 1)
		})
	}
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("notify socket: %w", err)
	}
	return &Socket{Address: address, conn: conn}, nil
}

// Close ends Receive.
func (s *Socket) Close() error { return s.conn.Close() }

// Receive calls f for each datagram until the socket is closed.
func (s *Socket) Receive(f func(Message)) {
	buf, oob := make([]byte, maxDatagram), make([]byte, 256)
	for {
		n, oobn, _, _, err := s.conn.ReadMsgUnix(buf, oob)
		if err != nil {
			return
		}
		m := Parse(buf[:n])
		m.At = time.Now()
		m.UID, m.PID = credentials(oob[:oobn])
		f(m)
	}
}

// credentials reads who sent a datagram, and closes every descriptor that came
// with it: BARRIER=1 waits for just that, FDSTORE=1 would leak them into us.
func credentials(oob []byte) (uid, pid int) {
	messages, err := syscall.ParseSocketControlMessage(oob)
	if err != nil {
		return -1, -1
	}
	uid, pid = -1, -1
	for i := range messages {
		if c, err := syscall.ParseUnixCredentials(&messages[i]); err == nil {
			uid, pid = int(c.Uid), int(c.Pid)
		}
		if fds, err := syscall.ParseUnixRights(&messages[i]); err == nil {
			for _, fd := range fds {
				syscall.Close(fd)
			}
		}
	}
	return uid, pid
}
