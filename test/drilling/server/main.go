// Command server is what the drills of these tests are run on: an HTTP server
// that logs each request. DATA is a directory in which it must be able to
// write, NEEDS an address that must take a connection before it listens.
package main

import (
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

func main() {
	log.SetFlags(0)
	if dir := os.Getenv("DATA"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, "state"), make([]byte, 8<<10), 0o600); err != nil {
			log.Fatal(err)
		}
	}
	if address := os.Getenv("NEEDS"); address != "" {
		c, err := net.DialTimeout("tcp", address, time.Minute)
		if err != nil {
			log.Fatal(err)
		}
		c.Close()
	}
	port := os.Getenv("PORT")
	if port == "" {
		port = "8080"
	}
	http.HandleFunc("/health", func(w http.ResponseWriter, r *http.Request) {
		log.Println("GET", r.URL.Path)
		fmt.Fprintln(w, `{"status":"ok"}`)
	})
	log.Fatal(http.ListenAndServe(":"+port, nil))
}
