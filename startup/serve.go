package startup

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// ListenAndServe listens on srv.Addr (":http" if empty) and serves until ctx
// is cancelled, as Serve does. That the address is taken is told at once.
func (s *Startup) ListenAndServe(ctx context.Context, srv *http.Server) error {
	addr := srv.Addr
	if addr == "" {
		addr = ":http"
	}
	var l net.Listener
	err := s.Phase(ctx, "listen", func(ctx context.Context) (err error) {
		l, err = new(net.ListenConfig).Listen(ctx, "tcp", addr)
		return err
	})
	if err != nil {
		return err
	}
	return s.Serve(ctx, srv, l)
}

// Serve serves on l until ctx is cancelled, and then stops gracefully: health
// turns to 503, new connections are refused, and requests under way get
// Options.Grace to end.
//
// Before it reports ready it asks itself over the network, and only an answer
// from this very server counts. A server that cannot be asked so (its handler
// is never reached) is an error, and the server is closed. If l is a TLS listener
// (tls.NewListener), the question is asked by TLS.
//
// Serve returns nil after a graceful stop.
func (s *Startup) Serve(ctx context.Context, srv *http.Server, l net.Listener) error {
	proof := &prover{token: rand.Text(), next: srv.Handler}
	if proof.next == nil {
		proof.next = http.DefaultServeMux
	}
	srv.Handler = proof
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()

	// crypto/tls does not export the type of its listener, and a TLS server
	// that is asked in plain text logs an error.
	secure := fmt.Sprintf("%T", l) == "*tls.listener"
	err := s.Phase(ctx, "verify", func(ctx context.Context) error {
		verified := make(chan error, 1)
		go func() { verified <- proof.verify(ctx, l.Addr(), secure) }()
		select {
		case err := <-verified:
			return err
		case err := <-served:
			return fmt.Errorf("the server ended: %w", err)
		}
	})
	if err == nil && !s.proven() {
		err = s.lost(s.missed)
	}
	if err != nil {
		srv.Close()
		return err
	}
	alive, stopFeeding := context.WithCancel(ctx)
	defer stopFeeding()
	go s.feed(alive, proof, l.Addr(), secure)
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
		return s.stop(srv)
	}
}

func (s *Startup) stop(srv *http.Server) error {
	s.mu.Lock()
	s.stopping = true
	s.mu.Unlock()
	s.notify.send("STOPPING=1")
	s.Logger.Info("stopping", "grace", s.Grace)
	ctx, cancel := context.WithTimeout(context.Background(), s.Grace)
	defer cancel()
	if err := srv.Shutdown(ctx); err != nil {
		srv.Close()
		if errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("requests were still under way after the grace of %s", s.Grace)
		}
		return err
	}
	return nil
}

// feed feeds the watchdog while the server answers itself.
func (s *Startup) feed(ctx context.Context, p *prover, addr net.Addr, secure bool) {
	if s.notify.watchdog == 0 {
		return
	}
	tick := time.NewTicker(s.notify.watchdog / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			once, cancel := context.WithTimeout(ctx, s.notify.watchdog/3)
			if p.ask(once, addr, secure) == nil {
				s.notify.send("WATCHDOG=1")
			}
			cancel()
		}
	}
}

// prover answers its own question and hands all others on.
type prover struct {
	token string
	next  http.Handler
}

const provePath = "/.startup/"

func (p *prover) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == provePath+p.token {
		io.WriteString(w, p.token)
		return
	}
	p.next.ServeHTTP(w, r)
}

// verify asks until the answer has come or ctx ends.
func (p *prover) verify(ctx context.Context, addr net.Addr, secure bool) error {
	for pause := time.Millisecond; ; pause = min(2*pause, 250*time.Millisecond) {
		once, cancel := context.WithTimeout(ctx, 2*time.Second)
		err := p.ask(once, addr, secure)
		cancel()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), err)
		case <-time.After(pause):
		}
	}
}

// ask asks once, by a connection of its own and past any proxy.
func (p *prover) ask(ctx context.Context, addr net.Addr, secure bool) error {
	scheme := "http"
	if secure {
		scheme = "https"
	}
	transport := &http.Transport{
		DisableKeepAlives: true,
		// It is this process that is asked, whatever name its certificate has.
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, addr.Network(), reachable(addr))
		},
	}
	defer transport.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, "GET", scheme+"://localhost"+provePath+p.token, nil)
	if err != nil {
		return err
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 1024))
	if err != nil {
		return err
	}
	if string(b) != p.token {
		return fmt.Errorf("%s is answered by another server (status %s)", addr, resp.Status)
	}
	return nil
}

// reachable is where a listener's address can be dialled: loopback for a
// wildcard.
func reachable(addr net.Addr) string {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok || !tcp.IP.IsUnspecified() {
		return addr.String()
	}
	host := "127.0.0.1"
	if tcp.IP.To4() == nil {
		host = "localhost" // ::, which takes both families unless told otherwise
	}
	return net.JoinHostPort(host, fmt.Sprint(tcp.Port))
}
