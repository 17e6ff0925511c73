// Command sighook produces strategies and trades and sends them to the
// webhook: metadata of an order first, its fill a moment later.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/aweigh/aweigh/startup"
)

func main() {
	addr := flag.String("addr", env("SIGHOOK_ADDR", ":5004"), "address of the health endpoint (SIGHOOK_ADDR)")
	to := flag.String("webhook", env("WEBHOOK_URL", "http://127.0.0.1:5003"), "where to send (WEBHOOK_URL)")
	every := flag.Duration("every", 500*time.Millisecond, "time between two orders")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()

	s := startup.Begin(startup.Options{Service: "sighook"})
	out := &sender{url: *to, client: &http.Client{Timeout: 3 * time.Second}}
	s.Check("webhook", out.reachable)
	mux := http.NewServeMux()
	// That the webhook is down is the webhook's illness: /health tells it, and
	// /alive does not, so that the one does not pull the other down.
	mux.Handle("GET /health", s.Handler())
	mux.HandleFunc("GET /alive", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"status":"ok"}`) })
	produced := make(chan struct{})
	go func() {
		defer close(produced)
		select {
		case <-s.Ready():
			produce(ctx, out, *every)
		case <-ctx.Done():
		}
	}()
	err := s.ListenAndServe(ctx, &http.Server{Addr: *addr, Handler: mux, ReadHeaderTimeout: 5 * time.Second})
	stop()
	<-produced
	if err != nil {
		slog.Error("sighook ends", "err", err)
		os.Exit(1)
	}
}

// produce sends an order and its fill every so often. One order in twenty has
// no strategy: somebody traded by hand.
func produce(ctx context.Context, out *sender, every time.Duration) {
	symbols := []string{"BTC-USD", "ETH-USD", "SOL-USD"}
	for n := 0; ; n++ {
		order := fmt.Sprintf("%d-%d", time.Now().UnixNano(), n)
		if rand.IntN(20) > 0 {
			out.send(ctx, "/webhook", map[string]any{"order_id": order, "strategy": "momentum"})
		}
		out.send(ctx, "/trades", map[string]any{"order_id": order, "symbol": symbols[n%len(symbols)],
			"size": 0.01 + rand.Float64(), "price": 100 * (1 + rand.Float64())})
		select {
		case <-ctx.Done():
			return
		case <-time.After(every):
		}
	}
}

// sender posts JSON, and tries again while the webhook is not there.
type sender struct {
	url    string
	client *http.Client
}

func (o *sender) send(ctx context.Context, path string, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // of numbers and strings
	}
	for pause := 250 * time.Millisecond; ; pause = min(2*pause, 15*time.Second) {
		err := o.post(ctx, path, body)
		if err == nil || ctx.Err() != nil {
			return
		}
		slog.Warn("not sent, trying again", "path", path, "in", pause, "err", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

func (o *sender) post(ctx context.Context, path string, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, "POST", o.url+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := o.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, _ := io.ReadAll(io.LimitReader(resp.Body, 4096))
	if resp.StatusCode >= 500 {
		return fmt.Errorf("status %s", resp.Status)
	}
	if resp.StatusCode >= 400 {
		slog.Error("refused", "path", path, "status", resp.StatusCode, "answer", string(answer))
	}
	return nil
}

func (o *sender) reachable(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, "GET", o.url+"/health", nil)
	if err != nil {
		return err
	}
	resp, err := o.client.Do(req)
	if err != nil {
		return err
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("status %s", resp.Status)
	}
	return nil
}

func env(name, otherwise string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return otherwise
}
