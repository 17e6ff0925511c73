// Command webhook receives strategies and trades, links them, and says how
// many trades could be linked: the service whose outage began Aweigh.
//
// A trade is linked when the metadata of its order has come by POST /webhook.
// When that does not listen, every trade stays unlinked, and nothing else
// looks wrong.
package main

import (
	"context"
	"flag"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/aweigh/aweigh/startup"
)

func main() {
	addr := flag.String("addr", env("WEBHOOK_ADDR", ":5003"), "address to listen on (WEBHOOK_ADDR)")
	path := flag.String("db", env("WEBHOOK_DB", "webhook.db"), "SQLite database (WEBHOOK_DB)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := run(ctx, *addr, *path); err != nil {
		slog.Error("webhook ends", "err", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, addr, path string) error {
	s := startup.Begin(startup.Options{Service: "webhook"})
	var db *store
	err := s.Phase(ctx, "database", func(ctx context.Context) (err error) {
		db, err = openStore(ctx, path)
		return err
	})
	if err != nil {
		return err
	}
	defer db.Close()
	if err := s.Phase(ctx, "migrations", db.migrate); err != nil {
		return err
	}
	if err := rehearse(ctx, s); err != nil {
		return err
	}
	s.Check("database", db.ping)
	return s.ListenAndServe(ctx, &http.Server{Addr: addr, Handler: routes(db, s.Handler()), ReadHeaderTimeout: 5 * time.Second})
}

// rehearse fails in the ways that `make demo` shows, when it is told to.
func rehearse(ctx context.Context, s *startup.Startup) error {
	if d, err := time.ParseDuration(os.Getenv("TRADEBOT_STARTUP_DELAY")); err == nil {
		err := s.Phase(ctx, "maintenance", func(ctx context.Context) error { return maintain(ctx, d) })
		if err != nil {
			return err
		}
	}
	if os.Getenv("TRADEBOT_NEVER_LISTEN") != "" {
		return s.Phase(ctx, "subscribe", subscribeToFeed)
	}
	return nil
}

// maintain stands for work that has to be done before serving.
func maintain(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// subscribeToFeed waits for a subscription that is never confirmed, and heeds
// no context: the outage of the write-up.
func subscribeToFeed(context.Context) error {
	confirmed := make(chan struct{})
	<-confirmed
	return nil
}

func env(name, otherwise string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return otherwise
}
