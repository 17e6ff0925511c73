// Command server is the service under test. CRASH_AFTER and SICK_AFTER say when it
// Command server is the service under test. CRASH_AFTER and SICK_AFTER say when it
// ends, and when its health endpoint begins to answer 500; where BROKEN_FILE is there it
// does not start. /page takes its time to answer with the release, and is well while the
// server runs, which ends what it has begun. As `server fail` it is a migration that
// fails, as `server fill FILE` one that leaves no room on the file's disk, as `server
// health` its health check, which `server leave` has fail.
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
		os.Exit(command(os.Args[1:]))
	}
	if file := os.Getenv("BROKEN_FILE"); file != "" {
		if _, err := os.Stat(file); err == nil {
			fmt.Println("FATAL:", file, "is there")
			os.Exit(1)
		}
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

func command(words []string) (status int) {
	switch words[0] {
	case "fill":
		return fill(words[1])
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

func fill(name string) (status int) {
	f, err := os.Create(name)
	for size := 1 << 20; err == nil && size > 0; size /= 2 {
		for {
			if _, err := f.Write(make([]byte, size)); err != nil {
				break
			}
		}
	}
	if err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

func after(name string) time.Duration {
	d, _ := time.ParseDuration(os.Getenv(name)) // without it: never
	return d
}
