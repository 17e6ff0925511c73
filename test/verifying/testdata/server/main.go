// Command server is the service under test: MODE says how it behaves.
package main

import (
	"fmt"
	"net/http"
	"os"
	"time"
)

func main() {
	mode, addr := os.Getenv("MODE"), ":8080"
	switch mode {
	case "loop":
		fmt.Println("FATAL: no configuration")
		time.Sleep(100 * time.Millisecond) // as a program that tries first
		os.Exit(1)
	case "job":
		fmt.Println("migrated")
		return
	case "loopback":
		addr = "127.0.0.1:8080"
	}
	fmt.Println("listening on", addr)
	err := http.ListenAndServe(addr, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if mode == "broken" {
			http.Error(w, `{"status": "error"}`, http.StatusInternalServerError)
			return
		}
		fmt.Fprintln(w, `{"status": "ok"}`)
	}))
	fmt.Println(err)
	os.Exit(1)
}
