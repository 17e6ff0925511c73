// Command goserver is a web server that needs its database before it listens.
package main

import (
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
)

func connect(database string) error {
	c, err := net.Dial("tcp", database)
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.Read(make([]byte, 1)) // waits here
	return err
}

// eat takes memory until the kernel has had enough of it.
func eat() {
	var kept [][]byte
	for {
		b := make([]byte, 1<<20)
		for i := 0; i < len(b); i += 4096 {
			b[i] = 1
		}
		kept = append(kept, b)
	}
}

func main() {
	log.SetFlags(0)
	database, ok := os.LookupEnv("DATABASE")
	if !ok {
		log.Fatal("DATABASE is not set")
	}
	if database != "" {
		if err := connect(database); err != nil {
			log.Fatal(err)
		}
	}
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2)
	go func() {
		for sig := range told {
			fmt.Println("received", sig)
			if sig == syscall.SIGUSR2 {
				eat()
			}
		}
	}()
	http.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	log.Fatal(http.ListenAndServe(":"+os.Args[1], nil))
}
