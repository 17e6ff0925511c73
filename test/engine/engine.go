// Package engine plays a Docker Engine, for tests and for `make bench`: it
// speaks the part of the API (1.41) that Aweigh uses, over a unix socket, and
// its containers are as many as one likes. Each has a real socket on an address
// of its own (127.77.…) that answers HTTP while the container runs, so that
// probes of it are real.
//
//	e, err := engine.Listen(filepath.Join(dir, "docker.sock"))
//	defer e.Close()
//	web := e.Add(engine.Spec{Name: "web", Policy: "always"})
//	err = web.Start()
//	web.Print(false, "listening\n")
//	web.Die(1)
//
// What happens is what the caller says: nothing restarts by itself. Events are
// told as the real engine tells them, its bad habits included: a subscriber
// that does not keep up loses some, and only the last 256 are kept.
package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// Engine is a running engine.
type Engine struct {
	socket string
	http   *http.Server
	stop   context.CancelFunc
	served sync.WaitGroup

	mu         sync.Mutex
	containers map[string]*Container
	order      []*Container
	made       int
	events     log
}

// Listen begins to serve at a unix socket, whose path must be short (108 bytes
// with its end, as sun_path is).
func Listen(socket string) (*Engine, error) {
	os.Remove(socket)
	l, err := net.Listen("unix", socket)
	if err != nil {
		return nil, fmt.Errorf("engine: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	e := &Engine{socket: socket, stop: cancel, containers: map[string]*Container{}}
	e.http = &http.Server{Handler: e.api(), BaseContext: func(net.Listener) context.Context { return ctx }}
	e.served.Go(func() {
		if err := e.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			fmt.Fprintln(os.Stderr, "engine:", err)
		}
	})
	return e, nil
}

// Host is the address for DOCKER_HOST.
func (e *Engine) Host() string { return "unix://" + e.socket }

// Close ends the engine and what its containers listen on.
func (e *Engine) Close() error {
	e.stop()
	err := e.http.Close()
	for _, c := range e.Containers() {
		e.mu.Lock()
		c.hangUp()
		e.mu.Unlock()
	}
	e.served.Wait()
	return err
}

// Add makes a container, which does not run yet.
func (e *Engine) Add(s Spec) *Container {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.made++
	c := &Container{Spec: s, engine: e, created: time.Now().UTC(), changed: make(chan struct{})}
	c.ID = fmt.Sprintf("%012x%052x", 0xa0000000000+e.made, time.Now().UnixNano())
	c.Addr = fmt.Sprintf("127.77.%d.%d", e.made/250%256, e.made%250+1)
	if c.Name == "" {
		c.Name = fmt.Sprintf("service-%d", e.made)
	}
	e.containers[c.ID] = c
	e.order = append(e.order, c)
	e.tell(c, "create", nil)
	return c
}

// Containers are those that there are, oldest first.
func (e *Engine) Containers() []*Container {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]*Container{}, e.order...)
}

// serveOK answers as a healthy service does.
func serveOK(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	io.WriteString(w, `{"status": "ok"}`+"\n")
}
