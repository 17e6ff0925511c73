// Command server is the service under test. CRASH_AFTER and SICK_AFTER say when it
// ends, and when its health endpoint begins to answer 500; where BROKEN_FILE is there it
// does not start. As `server fail` it is a migration that fails, as `server fill FILE`
// one that leaves no room on the file's disk.
package main

import (
	"fmt"
	"net/http"
	"os"
	"time"
)

func main() {
	switch {
	case len(os.Args) > 2:
		fill(os.Args[2])
		return
	case len(os.Args) > 1:
		fmt.Println("migration 17 failed: no such column")
		os.Exit(1)
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
	err := http.ListenAndServe(":8080", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if sick > 0 && time.Since(began) > sick {
			http.Error(w, `{"status": "error"}`, http.StatusInternalServerError)
			return
		}
		fmt.Fprintln(w, `{"status": "ok"}`)
	}))
	fmt.Println(err)
	os.Exit(1)
}

func fill(name string) {
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
		os.Exit(1)
	}
}

func after(name string) time.Duration {
	d, _ := time.ParseDuration(os.Getenv(name)) // without it: never
	return d
}
