package docker

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/test/engine"
)

// hung is what a watcher of an engine tells that never answers one kind of request.
func hung(t *testing.T, w Watcher, hangs string) <-chan aweigh.Fact {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "d.sock")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	over := make(chan struct{})
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, hangs) {
			select {
			case <-r.Context().Done():
			case <-over:
			}
			return
		}
		w.Header().Set("Api-Version", "1.41")
		switch {
		case strings.HasSuffix(r.URL.Path, "/events"):
			w.Write([]byte(`{"Type":"container","Action":"die","Actor":{"ID":"4f1c","Attributes":{"exitCode":"3"}},"timeNano":1764300000000000000}`))
			http.NewResponseController(w).Flush()
			select {
			case <-r.Context().Done():
			case <-over:
			}
		case strings.HasSuffix(r.URL.Path, "/containers/json"):
			w.Write([]byte("[]"))
		}
	})}
	go server.Serve(l)
	d, err := Open("unix://" + socket)
	if err != nil {
		t.Fatal(err)
	}
	before := answerWithin
	answerWithin = 100 * time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	facts := make(chan aweigh.Fact, 100)
	w.Tell = func(f aweigh.Fact) { facts <- f }
	var running sync.WaitGroup
	running.Go(func() { d.Run(ctx, w) })
	t.Cleanup(func() {
		cancel()
		close(over)
		running.Wait()
		server.Close()
		d.Close()
		answerWithin = before
	})
	return facts
}

func awaitKind(t *testing.T, facts <-chan aweigh.Fact, want aweigh.FactKind) (f aweigh.Fact) {
	t.Helper()
	select {
	case f = <-facts:
		if f.Kind != want {
			t.Errorf("%s is told", f.Kind)
		}
	case <-time.After(5 * time.Second):
		t.Errorf("nothing is told within 5 s")
	}
	return f
}

// An engine whose connection is half open, or that is stuck, takes a request and never
// answers: a watcher that had lost it, or that had just begun, waited for that for
// ever, and told nobody.
func TestAnEngineThatNeverAnswersIsTold(t *testing.T) {
	for _, path := range []string{"/_ping", "/events"} {
		t.Run(path[1:], func(t *testing.T) { awaitKind(t, hung(t, Watcher{}, path), aweigh.FactLost) })
	}
}

// A list of all containers takes an engine seconds where it asks the storage of each, or
// another engine behind it: a death that came meanwhile waited for that.
func TestADeathIsToldWhileTheEngineIsListing(t *testing.T) {
	facts := hung(t, Watcher{}, "/containers/json")
	awaitKind(t, facts, aweigh.FactDied)
	awaitKind(t, facts, aweigh.FactLost) // it never answers
}

// "docker info" asks storage and plugins, and hangs with them where all else goes on.
func TestAnEngineThatTellsNothingOfItselfIsWatched(t *testing.T) {
	facts := hung(t, Watcher{Lost: true}, "/info")
	awaitKind(t, facts, aweigh.FactDied)
	awaitKind(t, facts, aweigh.FactRegained)
}

// A container whose storage or shim is stuck cannot be inspected any more. Its own end was
// never told, and with it nothing of those that share its lane.
func TestAContainerThatCanNeverBeInspectedKeepsNothingFromBeingTold(t *testing.T) {
	before := inspectWithin
	inspectWithin = 100 * time.Millisecond
	defer func() { inspectWithin = before }()
	e, err := engine.Listen(filepath.Join(t.TempDir(), "d.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	stuck := e.Add(engine.Spec{Name: "stuck"})
	if err := stuck.Start(); err != nil {
		t.Fatal(err)
	}
	d, err := Open(e.Host())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	ctx, cancel := context.WithCancel(t.Context())
	facts := make(chan aweigh.Fact, 100)
	var running sync.WaitGroup
	running.Go(func() { d.Run(ctx, Watcher{Tell: func(f aweigh.Fact) { facts <- f }}) })
	defer running.Wait()
	defer cancel()
	awaitKind(t, facts, aweigh.FactSeen)
	stuck.Hold()
	stuck.Die(killed) // which only an inspection explains
	f := awaitKind(t, facts, aweigh.FactDied)
	if f.Container == nil || f.Container.Service != "stuck" || f.Container.Status == "running" {
		t.Errorf("it has died as %+v: that it runs is of before", f.Container)
	}
}

// What happened while nobody listened is asked for up to now. To an engine whose clock is
// behind ours that is a moment to come, for which it waits: a watcher never came back to
// one that was behind by more than it is given to answer.
func TestAnEngineWhoseClockIsBehindIsCaughtUpWith(t *testing.T) {
	const behind = time.Hour
	socket := filepath.Join(t.TempDir(), "d.sock")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		clock := time.Now().Add(-behind).UTC()
		w.Header().Set("Api-Version", "1.41")
		switch path := r.URL.Path; {
		case strings.HasSuffix(path, "/info"):
			fmt.Fprintf(w, `{"SystemTime":%q}`, clock.Format(time.RFC3339Nano))
		case strings.HasSuffix(path, "/containers/json"):
			w.Write([]byte("[]"))
		case strings.HasSuffix(path, "/events"):
			http.NewResponseController(w).Flush()
			seconds, err := strconv.ParseFloat(r.FormValue("until"), 64)
			if err != nil || int64(seconds) > clock.Unix() {
				<-r.Context().Done()
			}
		}
	})}
	go server.Serve(l)
	defer server.Close()
	d, err := Open("unix://" + socket)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	before := answerWithin
	answerWithin = time.Second
	defer func() { answerWithin = before }()
	ctx, cancel := context.WithCancel(t.Context())
	facts := make(chan aweigh.Fact, 100)
	var running sync.WaitGroup
	running.Go(func() {
		d.Run(ctx, Watcher{Lost: true, Since: time.Now().Add(-behind - time.Minute), Tell: func(f aweigh.Fact) { facts <- f }})
	})
	defer running.Wait()
	defer cancel()
	awaitKind(t, facts, aweigh.FactRegained)
}
