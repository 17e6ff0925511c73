// Command server is the service under test. CRASH_AFTER and SICK_AFTER say when it
// ends, and when its health endpoint begins to answer 500; /page takes its time to
// answer with the release, and is well while the server runs, which ends what it has
// begun. As `server fail` it is a migration that fails, as `server health` its health
// check, which `server leave` has fail.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	if len(os.Args) > 1 {
		os.Exit(command(os.Args[1]))
	}
	began := time.Now()
	crash, sick := after("CRASH_AFTER"), after("SICK_AFTER")
	if crash > 0 {
		time.AfterFunc(crash, func() {
			fmt.Println("FATAL: out of luck")
			os.Exit(1)
		})
	}
	fmt.Println("listening on :8080, release", os.Getenv("RELEASE"))
	s := &http.Server{Addr: ":8080", Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/page" {
			time.Sleep(200 * time.Millisecond)
			fmt.Fprint(w, os.Getenv("RELEASE"))
			return
		}
		if sick > 0 && time.Since(began) > sick {
			http.Error(w, `{"status": "error"}`, http.StatusInternalServerError)
			return
		}
		fmt.Fprintln(w, `{"status": "ok"}`)
	})}
	term := make(chan os.Signal, 1)
	signal.Notify(term, syscall.SIGTERM)
	ended := make(chan error)
	go func() {
		<-term
		ended <- s.Shutdown(context.Background())
	}()
	if err := s.ListenAndServe(); err != http.ErrServerClosed {
		fmt.Println(err)
		os.Exit(1)
	}
	<-ended
}

// leaving is there once it was asked to leave.
const leaving = "/leaving"

func command(name string) (status int) {
	switch name {
	case "leave":
		if err := os.WriteFile(leaving, nil, 0o600); err != nil {
			fmt.Println(err)
			return 1
		}
		return 0
	case "health":
		answer, err := http.Get("http://127.0.0.1:8080/health")
		if _, left := os.Stat(leaving); err != nil || answer.StatusCode != http.StatusOK || left == nil {
			return 1
		}
		return 0
	}
	fmt.Println("migration 17 failed: no such column")
	return 1
}

func after(name string) time.Duration {
	d, _ := time.ParseDuration(os.Getenv(name)) // without it: never
	return d
}
