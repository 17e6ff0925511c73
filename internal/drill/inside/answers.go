package inside

import (
	"bufio"
	"io"
	"net"
	"strings"
	"time"
)

// reply answers one request that was read; an error ends the connection.
type reply func(w io.Writer) error

// answers are the ways in which a health endpoint may be ill.
var answers = map[string]reply{
	"error":   failing,
	"garbage": garbage,
	"slow":    slow,
	"endless": endless,
}

// answer takes connections for as long as the process lives.
func answer(l net.Listener, reply reply) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			for r := bufio.NewReader(c); skipRequest(c, r) && reply(c) == nil; {
			}
		}()
	}
}

// skipRequest reads to the end of a request's head. There is no body: who asks
// for health sends none.
func skipRequest(c net.Conn, r *bufio.Reader) bool {
	c.SetReadDeadline(time.Now().Add(time.Minute))
	for {
		line, err := r.ReadSlice('\n')
		if err != nil && err != bufio.ErrBufferFull {
			return false
		}
		if strings.Trim(string(line), "\r\n") == "" && err == nil {
			return true
		}
	}
}

func well(w io.Writer) error {
	_, err := io.WriteString(w, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
	return err
}

func failing(w io.Writer) error {
	_, err := io.WriteString(w, "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 6\r\n\r\ndrill\n")
	return err
}

// garbage is no HTTP at all.
func garbage(w io.Writer) error {
	io.WriteString(w, "\x16\x03\x01 \x00\xff\xfe drill \x1b[31m\r\n\r\n")
	return io.EOF
}

// slow sends a header a second, and never the last.
func slow(w io.Writer) error {
	io.WriteString(w, "HTTP/1.1 200 OK\r\n")
	for {
		if _, err := io.WriteString(w, "X-Drill: slow\r\n"); err != nil {
			return err
		}
		time.Sleep(time.Second)
	}
}

// endless begins well, and goes on for ever: slowly, for what sends a megabyte
// in time has answered, as far as a probe reads.
func endless(w io.Writer) error {
	io.WriteString(w, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
	for {
		if _, err := io.WriteString(w, strings.Repeat("drill ", 100)); err != nil {
			return err
		}
		time.Sleep(100 * time.Millisecond)
	}
}
