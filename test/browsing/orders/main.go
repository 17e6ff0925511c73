// Command orders is a service whose start has phases, for the tests of the pages.
// It hangs in the phase that the variable HANG names.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/aweigh/aweigh/startup"
)

func main() {
	s := startup.Begin(startup.Options{Service: "orders", Logger: slog.New(slog.DiscardHandler)})
	ctx := context.Background()
	for _, phase := range []struct {
		name, says string
		takes      time.Duration
	}{
		{"configuration", "orders: 3 currencies, 2 warehouses", 40 * time.Millisecond},
		{"database", "orders: connecting to postgres://db:5432/orders", 420 * time.Millisecond},
		{"migrations", "orders: 0042_add_invoices.sql", 900 * time.Millisecond},
		{"cache", "orders: 1204 articles", 160 * time.Millisecond},
	} {
		err := s.Phase(ctx, phase.name, func(context.Context) error {
			fmt.Println(phase.says)
			if os.Getenv("HANG") == phase.name {
				select {}
			}
			time.Sleep(phase.takes)
			return nil
		})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	fmt.Println("orders: listening on :8080")
	mux := http.NewServeMux()
	mux.Handle("GET /health", s.Handler())
	if err := s.ListenAndServe(ctx, &http.Server{Addr: ":8080", Handler: mux}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
