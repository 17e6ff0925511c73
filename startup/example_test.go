package startup_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/aweigh/aweigh/startup"
)

func Example() {
	ctx, stop := context.WithCancel(context.Background()) // in a service: signal.NotifyContext
	defer stop()
	s := startup.Begin(startup.Options{Service: "webhook", Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})

	err := s.Phase(ctx, "database", func(ctx context.Context) error {
		return nil // open it, ping it
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	s.Check("database", func(ctx context.Context) error { return nil })

	mux := http.NewServeMux()
	mux.Handle("GET /health", s.Handler())
	go func() {
		<-s.Ready()
		fmt.Println("ready:", s.Health().Status)
		stop()
	}()
	fmt.Println("ended:", s.ListenAndServe(ctx, &http.Server{Addr: "127.0.0.1:0", Handler: mux}))
	// Output:
	// ready: pass
	// ended: <nil>
}

func ExampleStartup_Phase() {
	s := startup.Begin(startup.Options{Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	err := s.Phase(context.Background(), "database", func(ctx context.Context) error {
		_, err := net.DialTimeout("tcp", "127.0.0.1:1", time.Second)
		return err
	})
	fmt.Println(err)
	// Output: startup phase database: dial tcp 127.0.0.1:1: connect: connection refused
}
