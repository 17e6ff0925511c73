package drill

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/aweigh/aweigh/internal/notify"
)

// mailServer is a mail server in this process that takes everything (RFC 5321),
// and may be down for a while.
type mailServer struct {
	address string

	mu       sync.Mutex
	listener net.Listener
	open     map[net.Conn]bool
	taken    []time.Time // when each mail was
}

func openMailServer() (*mailServer, error) {
	m := &mailServer{address: "127.0.0.1:0", open: map[net.Conn]bool{}}
	return m, m.up()
}

func (m *mailServer) route() notify.Route {
	return notify.Route{Name: "drill-mail", Drills: true, URL: "smtp://" + m.address + "/?from=aweigh@drill.invalid&to=drill@drill.invalid&starttls=never"}
}

// up listens, at the same address as before.
func (m *mailServer) up() error {
	l, err := net.Listen("tcp", m.address)
	if err != nil {
		return fmt.Errorf("a mail server for the drill: %w", err)
	}
	m.mu.Lock()
	m.listener, m.address = l, l.Addr().String()
	m.mu.Unlock()
	go m.serve(l)
	return nil
}

// down refuses connections, and ends those that there are.
func (m *mailServer) down() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.listener.Close()
	for c := range m.open {
		c.Close()
	}
}

// first is when the first mail was taken.
func (m *mailServer) first() (time.Time, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.taken) == 0 {
		return time.Time{}, false
	}
	return m.taken[0], true
}

func (m *mailServer) serve(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		m.mu.Lock()
		m.open[c] = true
		m.mu.Unlock()
		go func() {
			m.talk(c)
			c.Close()
			m.mu.Lock()
			delete(m.open, c)
			m.mu.Unlock()
		}()
	}
}

func (m *mailServer) talk(c net.Conn) {
	r := bufio.NewReader(c)
	say := func(text string) { fmt.Fprintf(c, "%s\r\n", text) }
	say("220 drill.invalid")
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		verb, _, _ := strings.Cut(strings.ToUpper(strings.TrimSpace(line)), " ")
		switch verb {
		case "DATA":
			say("354 go on")
			for {
				if line, err = r.ReadString('\n'); err != nil {
					return
				}
				if strings.TrimRight(line, "\r\n") == "." {
					break
				}
			}
			m.mu.Lock()
			m.taken = append(m.taken, time.Now())
			m.mu.Unlock()
			say("250 taken")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}
