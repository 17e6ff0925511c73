package startup

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// The test binary is also the service that hangs.
func TestMain(m *testing.M) {
	if phase, ok := hangs[os.Getenv("STARTUP_TEST_HANG")]; ok {
		s := Begin(Options{Deadline: 50 * time.Millisecond})
		if err := s.Phase(context.Background(), "catalogue", phase); err != nil {
			log.Fatal(err)
		}
	}
	os.Exit(m.Run())
}

var hangs = map[string]func(context.Context) error{"for ever": loadCatalogue, "heeding": heedingly}

func loadCatalogue(context.Context) error { select {} }

func heedingly(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }

func begin(t *testing.T, o Options) *Startup {
	t.Helper()
	o.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	return Begin(o)
}

func TestAHungPhaseEndsTheProcessAndIsNamed(t *testing.T) {
	text := hang(t, "for ever")
	first, _, _ := strings.Cut(text[strings.Index(text, "goroutine "):], "\n\n")
	if !strings.Contains(first, "loadCatalogue") {
		t.Errorf("the first stack is not the phase's:\n%s", first)
	}
}

// What hangs in a database heeds its context: main had the error, and ended the
// process with status 1, before the report was written.
func TestAPhaseThatHeedsItsContextEndsTheProcessTheSame(t *testing.T) {
	if text := hang(t, "heeding"); !strings.Contains(text, "goroutine ") {
		t.Errorf("there is no report:\n%s", text)
	}
}

// hang is what a process prints whose phase hangs so.
func hang(t *testing.T, how string) string {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "STARTUP_TEST_HANG="+how)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != ExitTimedOut {
		t.Fatalf("%v\n%s", err, out)
	}
	if !strings.Contains(string(out), "passed in phase catalogue") {
		t.Errorf("the phase is not named:\n%s", out)
	}
	return string(out)
}

func TestAPhaseThatHeedsItsContextReturnsTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told := make(chan *DeadlineError, 1)
		s := begin(t, Options{Deadline: time.Minute, OnDeadline: func(e *DeadlineError) { told <- e }})
		err := s.Phase(context.Background(), "database", func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		})
		var missed *DeadlineError
		if !errors.As(err, &missed) || missed.Phase != "database" || missed.Elapsed != time.Minute {
			t.Errorf("%v", err)
		}
		if e := <-told; e != missed {
			t.Errorf("OnDeadline got %v", e)
		}
	})
}

func TestExtendMovesTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := begin(t, Options{Deadline: time.Minute, OnDeadline: func(*DeadlineError) {}})
		began := time.Now()
		s.Phase(context.Background(), "migrations", func(ctx context.Context) error {
			time.Sleep(50 * time.Second)
			s.Extend(time.Minute)
			<-ctx.Done()
			return nil
		})
		if took := time.Since(began); took != 110*time.Second {
			t.Errorf("ended after %s", took)
		}
	})
}

func TestAPhasesErrorCarriesItsName(t *testing.T) {
	s := begin(t, Options{Deadline: -1})
	cause := errors.New("password authentication failed")
	err := s.Phase(context.Background(), "database", func(context.Context) error { return cause })
	if !errors.Is(err, cause) || !strings.Contains(err.Error(), "startup phase database: ") {
		t.Errorf("%v", err)
	}
}

// fx's OnStart hooks swallow it: go srv.ListenAndServe().
func TestATakenPortIsAnError(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := begin(t, Options{})
	err = s.ListenAndServe(context.Background(), &http.Server{Addr: l.Addr().String()})
	if err == nil || !strings.Contains(err.Error(), "address already in use") || !strings.Contains(err.Error(), l.Addr().String()) {
		t.Errorf("%v", err)
	}
}

// serve starts a server and returns its URL once it is ready, and how to stop it.
func serve(t *testing.T, s *Startup, h http.Handler) (url string, stop func() error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, &http.Server{Handler: h}, l) }()
	select {
	case <-s.Ready():
	case err := <-ended:
		t.Fatal(err)
	case <-time.After(10 * time.Second):
		t.Fatal("not ready")
	}
	return "http://" + l.Addr().String(), func() error { cancel(); return <-ended }
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b)
}

func TestReadyComesAfterTheServerHasAnsweredItself(t *testing.T) {
	s := begin(t, Options{})
	var asked atomic.Int32
	url, stop := serve(t, s, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	if status, _ := get(t, url+"/x"); status != 200 || asked.Load() != 1 {
		t.Errorf("status %d; the handler was asked %d times: the proof must not reach it", status, asked.Load())
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	if p := s.Phases(); len(p) != 1 || p[0].Name != "verify" {
		t.Errorf("phases %v", p)
	}
}

func TestATLSServerProvesItselfByTLS(t *testing.T) {
	pair := httptest.NewUnstartedServer(nil)
	pair.StartTLS()
	defer pair.Close()
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := begin(t, Options{Deadline: 10 * time.Second, OnDeadline: func(*DeadlineError) {}})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- s.Serve(ctx, &http.Server{Handler: s.Handler()}, tls.NewListener(plain, pair.TLS))
	}()
	select {
	case <-s.Ready():
		cancel()
		<-ended
	case err := <-ended:
		cancel()
		t.Fatal(err)
	}
}

func TestAnotherServersAnswerIsNoProof(t *testing.T) {
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	p := &prover{token: "ours"}
	if err := p.ask(context.Background(), other.Listener.Addr(), false); err == nil || !strings.Contains(err.Error(), "another server") {
		t.Errorf("%v", err)
	}
}

func TestHealthSaysWhatItIsStartingAndThenWhatFails(t *testing.T) {
	s := begin(t, Options{Service: "webhook", CheckTimeout: 50 * time.Millisecond})
	s.Phase(context.Background(), "database", func(context.Context) error {
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/health", nil))
		if w.Code != 503 || !strings.Contains(w.Body.String(), "starting: phase database") {
			t.Errorf("while starting: %d %s", w.Code, w.Body)
		}
		return nil
	})
	url, stop := serve(t, s, s.Handler())
	defer stop()
	if status, body := get(t, url); status != 200 || !strings.Contains(body, `"status":"pass"`) {
		t.Errorf("%d %s", status, body)
	}
	s.Check("cache", func(context.Context) error { return nil })
	s.Check("database", func(context.Context) error { return errors.New("connection refused") })
	status, body := get(t, url)
	var a Answer
	if err := json.Unmarshal([]byte(body), &a); err != nil {
		t.Fatal(err)
	}
	if status != 503 || a.Checks["database:responseTime"][0].Output != "connection refused" || a.Checks["cache:responseTime"][0].Status != "pass" {
		t.Errorf("%d %s", status, body)
	}
}

// A primary and a replica are both the component "database": of two the last one hid
// the other, and an answer that failed had only checks that passed.
func TestTwoChecksOfOneComponentAreBothTold(t *testing.T) {
	s := begin(t, Options{Deadline: -1})
	s.isReady = true
	s.Check("database", func(context.Context) error { return errors.New("connection refused") })
	s.Check("database", func(context.Context) error { return nil })
	a := s.Health()
	if all := a.Checks["database:responseTime"]; a.Status != "fail" || len(all) != 2 || all[0].Status != "fail" || all[1].Status != "pass" {
		t.Errorf("%+v", a)
	}
}

// health-go leaks a goroutine a request when a check hangs.
func TestAHungCheckCostsOneGoroutineAndOneTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := begin(t, Options{Deadline: -1})
		s.isReady = true
		release := make(chan struct{})
		var calls atomic.Int32
		s.Check("slow", func(context.Context) error { calls.Add(1); <-release; return nil })
		for range 10 {
			began := time.Now()
			if a := s.Health(); a.Status != "fail" || time.Since(began) != 2*time.Second {
				t.Errorf("%s after %s", a.Status, time.Since(began))
			}
		}
		if calls.Load() != 1 {
			t.Errorf("%d calls", calls.Load())
		}
		close(release)
		synctest.Wait()
	})
}

func TestARequestUnderWayEndsBeforeTheServerDoes(t *testing.T) {
	s := begin(t, Options{})
	arrived, finish := make(chan struct{}), make(chan struct{})
	url, stop := serve(t, s, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-finish
		io.WriteString(w, "whole")
	}))
	answer := make(chan string, 1)
	go func() {
		resp, err := http.Get(url)
		if err != nil {
			answer <- err.Error()
			return
		}
		b, _ := io.ReadAll(resp.Body)
		answer <- string(b)
	}()
	<-arrived
	stopped := make(chan error, 1)
	go func() { stopped <- stop() }()
	for s.Health().Notes == nil {
		time.Sleep(time.Millisecond)
	}
	close(finish)
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if got := <-answer; got != "whole" {
		t.Errorf("the request got %q", got)
	}
}

// notifySocket is what NOTIFY_SOCKET names for the test.
func notifySocket(t *testing.T) *net.UnixConn {
	t.Helper()
	path := t.TempDir() + "/notify"
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	return socket
}

func TestItSpeaksTheNotifyProtocol(t *testing.T) {
	socket := notifySocket(t)
	s := begin(t, Options{})
	s.Phase(context.Background(), "database", func(context.Context) error { return nil })
	_, stop := serve(t, s, nil)
	stop()
	var got []string
	socket.SetReadDeadline(time.Now().Add(5 * time.Second))
	for buf := make([]byte, 1024); len(got) == 0 || got[len(got)-1] != "STOPPING=1"; {
		n, err := socket.Read(buf)
		if err != nil {
			t.Fatalf("%v after %q", err, got)
		}
		got = append(got, string(buf[:n]))
	}
	want := "STATUS=database STATUS=verify READY=1\nSTATUS=serving STOPPING=1"
	if strings.Join(got, " ") != want {
		t.Errorf("%q", got)
	}
}

// Under aweigh a STATUS= opens a phase. The deadline's own message became one, a
// second long, and the record said that the start had hung in that.
func TestAMissedDeadlineIsNoPhaseOfItsOwn(t *testing.T) {
	socket := notifySocket(t)
	told := make(chan *DeadlineError, 1)
	s := begin(t, Options{Deadline: 20 * time.Millisecond, OnDeadline: func(e *DeadlineError) { told <- e }})
	s.Phase(context.Background(), "database", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
	<-told
	s.notify.send("that is all")
	var got []string
	socket.SetReadDeadline(time.Now().Add(5 * time.Second))
	for buf := make([]byte, 1024); len(got) == 0 || got[len(got)-1] != "that is all"; {
		n, err := socket.Read(buf)
		if err != nil {
			t.Fatalf("%v after %q", err, got)
		}
		got = append(got, string(buf[:n]))
	}
	if len(got) != 2 || got[0] != "STATUS=database" {
		t.Errorf("%q", got)
	}
}
