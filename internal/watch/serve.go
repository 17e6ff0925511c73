package watch

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"time"
)

// Pages are what is served besides the watcher's own health. They are made of its
// store by whoever starts it: what the pages show may know the watcher.
type Pages struct {
	Handler http.Handler
	// Changed tells that the store has changed; it must not block.
	Changed func()
	// Close ends what would keep a connection open.
	Close func()
}

// server is all that the watcher answers over HTTP.
type server struct {
	http *http.Server
	done chan struct{}
}

func (w *watcher) serve() (*server, error) {
	l, err := net.Listen("tcp", w.Listen)
	if err != nil {
		return nil, fmt.Errorf("--listen %s: %w: is another watcher running? name another address", w.Listen, err)
	}
	if c := w.Config.Config.Web; c.TLSCert != "" || c.TLSKey != "" {
		certificate, err := newCertificate(c.TLSCert, c.TLSKey)
		if err != nil {
			l.Close()
			return nil, err
		}
		l = tls.NewListener(l, &tls.Config{GetCertificate: certificate.get, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}})
	}
	s := &server{done: make(chan struct{})}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", w.health)
	s.http = &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: time.Minute, IdleTimeout: time.Minute, MaxHeaderBytes: 32 << 10}
	if w.Pages == nil {
		mux.Handle("GET /metrics", w.metrics.Handler())
	} else {
		pages := w.Pages(w.store, w.metrics.Handler())
		mux.Handle("/", pages.Handler)
		s.http.RegisterOnShutdown(pages.Close)
		w.changed = pages.Changed
	}
	go func() {
		defer close(s.done)
		s.http.Serve(l)
	}()
	return s, nil
}

// stuckAfter is how long the loop may take for one round: it comes round twice a
// second, unless the disk keeps it.
const stuckAfter = 30 * time.Second

// health answers whether facts are folded.
func (w *watcher) health(out http.ResponseWriter, _ *http.Request) {
	answer := map[string]any{"status": "pass", "version": w.Version}
	out.Header().Set("Content-Type", "application/health+json")
	if since := time.Since(time.Unix(0, w.beat.Load())); since > stuckAfter {
		answer["status"], answer["output"] = "fail", fmt.Sprintf("no fact has been folded for %s: is the disk of %s stuck?", since.Round(time.Second), w.State)
		out.WriteHeader(http.StatusServiceUnavailable)
	}
	json.NewEncoder(out).Encode(answer)
}

func (s *server) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	s.http.Shutdown(ctx)
	s.http.Close()
	<-s.done
}
