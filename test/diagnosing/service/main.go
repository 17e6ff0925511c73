// Command service is a server that fails in the way that its arguments name,
// for the tests of `aweigh diagnose`.
package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"time"
)

func main() {
	fmt.Println("service: starting")
	do, what := os.Args[1], ""
	if len(os.Args) > 2 {
		what = os.Args[2]
	}
	switch do {
	case "serve":
		serve(what)
	case "need": // a variable
		if os.Getenv(what) == "" {
			fmt.Fprintf(os.Stderr, "panic: the environment variable %s is not set\n", what)
			time.Sleep(2 * time.Second) // a busy engine passes it on meanwhile
			os.Exit(2)
		}
		serve(":8080")
	case "dial": // a dependency, and serve then
		fmt.Println("service: connecting to " + what)
		if _, err := net.Dial("tcp", what); err != nil {
			fmt.Fprintln(os.Stderr, "service: fatal:", err)
			os.Exit(1)
		}
		serve(":8080")
	case "eat":
		var all [][]byte
		for {
			b := make([]byte, 8<<20)
			for i := 0; i < len(b); i += 4096 {
				b[i] = 1
			}
			all = append(all, b)
			fmt.Println("service:", len(all)*8, "MiB")
		}
	case "hang":
		time.Sleep(24 * time.Hour)
	}
}

func serve(addr string) {
	fmt.Println("service: listening on " + addr)
	err := http.ListenAndServe(addr, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") }))
	fmt.Fprintln(os.Stderr, "service: fatal:", err)
	os.Exit(1)
}
