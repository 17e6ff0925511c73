package main

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// The scripts in testdata call aweigh-init and the small server below, which
// are this test binary under other names.
func TestMain(m *testing.M) {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP) // under nohup it is ignored, and so it would be below
	testscript.Main(m, map[string]func(){
		"aweigh-init": main,
		"server":      server,
	})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			env.Setenv("AWEIGH_RECORD", filepath.Join(env.WorkDir, "records"))
			env.Setenv("HOME", env.WorkDir)
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"freeport": freePort,
			"waitfor":  waitFor,
			"lines":    countLines,
			"webhook":  webhook,
			"sig":      sendSignal,
			"waitport": waitPort,
		},
	})
}

// What goes into images stays small and quick to start.
func TestItLinksTheStandardLibraryOnly(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range strings.Fields(string(out)) {
		if !strings.HasPrefix(path, "github.com/aweigh/aweigh") {
			t.Errorf("it links %s", path)
		}
	}
	out, _ = exec.Command("go", "list", "-deps", ".").Output()
	for _, heavy := range []string{"net/http", "os/exec", "html/template", "text/template"} {
		if slices.Contains(strings.Fields(string(out)), heavy) {
			t.Errorf("it links %s", heavy)
		}
	}
}

// freePort NAME... sets each variable to a port that nobody uses.
func freePort(ts *testscript.TestScript, _ bool, names []string) {
	for _, name := range names {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		ts.Check(err)
		defer l.Close()
		ts.Setenv(name, strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
	}
}

// waitFor FILE TEXT waits until a file below the work directory (a pattern)
// contains the text.
func waitFor(ts *testscript.TestScript, _ bool, args []string) {
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		files, _ := filepath.Glob(ts.MkAbs(args[0]))
		for _, file := range files {
			if b, _ := os.ReadFile(file); strings.Contains(string(b), args[1]) {
				return
			}
		}
	}
	ts.Fatalf("%q did not come to %s", args[1], args[0])
}

// waitPort PORT waits until something listens on 127.0.0.1.
func waitPort(ts *testscript.TestScript, _ bool, args []string) {
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if c, err := net.Dial("tcp", "127.0.0.1:"+args[0]); err == nil {
			c.Close()
			return
		}
	}
	ts.Fatalf("nothing came to listen on %s", args[0])
}

// sendSignal NAME SERVICE sends a signal to the aweigh-init that runs it.
func sendSignal(ts *testscript.TestScript, _ bool, args []string) {
	signals := map[string]syscall.Signal{"TERM": syscall.SIGTERM, "HUP": syscall.SIGHUP, "USR1": syscall.SIGUSR1,
		"USR2": syscall.SIGUSR2, "ABRT": syscall.SIGABRT, "SEGV": syscall.SIGSEGV, "KILL": syscall.SIGKILL, "STOP": syscall.SIGSTOP, "CONT": syscall.SIGCONT}
	for _, cmd := range ts.BackgroundCmds() {
		if i := slices.Index(cmd.Args, "--service"); i > 0 && cmd.Args[i+1] == args[1] {
			ts.Check(cmd.Process.Signal(signals[args[0]]))
			return
		}
	}
	ts.Fatalf("no background aweigh-init of %s", args[1])
}

// countLines TEXT N fails unless stderr has N lines that contain the text.
func countLines(ts *testscript.TestScript, _ bool, args []string) {
	n := 0
	for line := range strings.SplitSeq(ts.ReadFile("stderr"), "\n") {
		if strings.Contains(line, args[0]) {
			n++
		}
	}
	if strconv.Itoa(n) != args[1] {
		ts.Fatalf("%d lines with %q, want %s", n, args[0], args[1])
	}
}

// webhook NAME FILE FAILURES serves a webhook that refuses so many times and
// then writes what it gets to a file.
func webhook(ts *testscript.TestScript, _ bool, args []string) {
	failures, err := strconv.Atoi(args[2])
	ts.Check(err)
	file := ts.MkAbs(args[1])
	var mu sync.Mutex
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if failures--; failures >= 0 {
			http.Error(w, "not now", http.StatusServiceUnavailable)
			return
		}
		f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err == nil {
			defer f.Close()
			f.ReadFrom(r.Body)
		}
	}))
	ts.Defer(s.Close)
	ts.Setenv(args[0], s.URL+"/hook/s3cret")
}

// server is the service under test: it does what its arguments say, in order.
func server() {
	ignore := make(chan os.Signal, 1)
	for _, arg := range os.Args[1:] {
		verb, value, _ := strings.Cut(arg, "=")
		switch verb {
		case "sleep":
			d, _ := time.ParseDuration(value)
			time.Sleep(d)
		case "print":
			fmt.Println(value)
		case "err":
			fmt.Fprint(os.Stderr, value)
		case "exit":
			code, _ := strconv.Atoi(value)
			os.Exit(code)
		case "die":
			n, _ := strconv.Atoi(value)
			signal.Reset()
			syscall.Kill(os.Getpid(), syscall.Signal(n))
			time.Sleep(time.Second)
		case "ignore-term":
			signal.Notify(ignore, syscall.SIGTERM)
		case "graceful": // exit 0 on SIGTERM
			c := make(chan os.Signal, 1)
			signal.Notify(c, syscall.SIGTERM)
			go func() { <-c; fmt.Println("bye"); os.Exit(0) }()
		case "soft-stop": // the same on SIGUSR1, as HAProxy has it
			c := make(chan os.Signal, 1)
			signal.Notify(c, syscall.SIGUSR1)
			go func() { <-c; os.Exit(0) }()
		case "signals": // print the signals that come
			c := make(chan os.Signal, 16)
			signal.Notify(c, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGWINCH, syscall.SIGABRT, syscall.SIGSEGV)
			go func() {
				for sig := range c {
					fmt.Println("got", sig)
				}
			}()
		case "notify":
			c, err := net.Dial("unixgram", os.Getenv("NOTIFY_SOCKET"))
			if err == nil {
				c.Write([]byte(strings.ReplaceAll(value, "|", "\n")))
				c.Close()
			}
		case "env":
			fmt.Printf("%s=%s\n", value, os.Getenv(value))
		case "listen": // and accept nothing
			if _, err := net.Listen("tcp", value); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
		case "http": // ADDR, with the answer taken from STATUS and BODY files if there are any
			l, err := net.Listen("tcp", value)
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			go http.Serve(l, http.HandlerFunc(answer))
		case "setuid":
			uid, _ := strconv.Atoi(value)
			if err := syscall.Setuid(uid); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
		case "wait":
			select {}
		}
	}
}

func answer(w http.ResponseWriter, r *http.Request) {
	status := 200
	if b, err := os.ReadFile("status"); err == nil {
		status, _ = strconv.Atoi(strings.TrimSpace(string(b)))
	}
	w.WriteHeader(status)
	if b, err := os.ReadFile("body"); err == nil {
		w.Write(b)
	}
}
