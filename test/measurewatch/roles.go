package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"sync/atomic"
	"time"
)

// play is what this program does when it was started by itself, in a container:
// a service that can be asked how often it was asked, and told to die.
func play(args []string) bool {
	if len(args) != 2 || args[0] != "play-service" {
		return false
	}
	var asked atomic.Int64
	http.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		io.WriteString(w, `{"status": "ok"}`+"\n")
	})
	http.HandleFunc("/count", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, asked.Load()) })
	http.HandleFunc("/die", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(os.Stderr, "Traceback (most recent call last):\n  File \"app.py\", line 12, in <module>\nKeyError: 'DATABASE'")
		os.Exit(1)
	})
	fmt.Println(time.Now().Format(time.RFC3339Nano), "listening")
	fmt.Fprintln(os.Stderr, http.ListenAndServe(args[1], nil))
	os.Exit(1)
	return true
}
