package docker

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// TestActAsEngine is the other end of ssh: a program that answers as an engine
// does, for as long as it is asked.
func TestActAsEngine(t *testing.T) {
	said := os.Getenv("ACT_AS_ENGINE")
	if said == "" {
		t.Skip("only as a child of TestEngineOverSSH")
	}
	os.WriteFile(said, []byte(os.Getenv("SSH_ARGS")), 0o600)
	in := bufio.NewReader(os.Stdin)
	for {
		r, err := http.ReadRequest(in)
		if err != nil {
			os.Exit(0)
		}
		body := "OK"
		if strings.HasSuffix(r.URL.Path, "/containers/json") {
			body = "[]"
		}
		fmt.Printf("HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Length: %d\r\n\r\n", len(body))
		if r.Method != http.MethodHead {
			fmt.Print(body)
		}
	}
}

func TestEngineOverSSH(t *testing.T) {
	dir := t.TempDir()
	said := filepath.Join(dir, "said")
	script := fmt.Sprintf("#!/bin/sh\nSSH_ARGS=\"$*\" exec '%s' -test.run='^TestActAsEngine$'\n", os.Args[0])
	if err := os.WriteFile(filepath.Join(dir, "ssh"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	t.Setenv("ACT_AS_ENGINE", said)
	e, err := Open("ssh://deploy@staging.example:2222")
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if err := e.Check(context.Background()); err != nil {
		t.Fatal(err)
	}
	if all, err := e.Instances(context.Background(), "shop", "web"); err != nil || len(all) != 0 {
		t.Errorf("%v, %v", all, err)
	}
	args, err := os.ReadFile(said)
	if want := "-o BatchMode=yes -o ConnectTimeout=15 -o ServerAliveInterval=15 -l deploy -p 2222 -- staging.example docker system dial-stdio"; err != nil || string(args) != want {
		t.Errorf("%v: ssh %s", err, args)
	}
	if !e.rootless.Load() {
		t.Error("addresses of containers on another host are taken for reachable")
	}
	if _, err := Open("ssh:///var/run/docker.sock"); err == nil {
		t.Error("a URL without a host was taken")
	}
}

// The end of a watcher closes a connection from two sides at once.
func TestAConnectionOverSSHIsClosedTwice(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "ssh"), []byte("#!/bin/sh\nexec cat\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	dial, err := overSSH(&url.URL{Scheme: "ssh", Host: "staging.example"})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := dial(t.Context(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	var closing sync.WaitGroup
	for range 2 {
		closing.Go(func() { conn.Close() })
	}
	closing.Wait()
}
