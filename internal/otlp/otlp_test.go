package otlp

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aweigh/aweigh"
)

func webhook(verdict aweigh.Verdict) Start {
	took := int64(1300)
	return Start{Deployed: true, Start: aweigh.Start{ID: "01JD", Service: "webhook", Project: "shop", Instance: "4f1c", Host: "aws-1", Verdict: verdict, TookMS: &took,
		Reason: "port 5003", Began: time.Date(2026, 11, 25, 8, 0, 0, 0, time.UTC),
		Phases: []aweigh.Phase{{Name: "exec", MS: 3}, {Name: "database", MS: 1297, Open: true}}}}
}

// collector takes requests, after it has refused some.
func collector(t *testing.T, refuse int, status int) (*httptest.Server, chan request) {
	t.Helper()
	got := make(chan request, 10)
	var mu sync.Mutex
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if refuse > 0 {
			refuse--
			w.WriteHeader(status)
			return
		}
		body, _ := io.ReadAll(r.Body)
		var in request
		if err := json.Unmarshal(body, &in); err != nil || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %s: %v: %s", r.URL.Path, r.Header.Get("Content-Type"), err, body)
		}
		got <- in
	}))
	t.Cleanup(s.Close)
	return s, got
}

// sent is what a collector gets of a start.
func sent(t *testing.T, url string, got chan request, s Start) request {
	t.Helper()
	x := New(url, "v1", slog.New(slog.DiscardHandler))
	x.pause = time.Millisecond
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { x.Run(ctx) })
	defer running.Wait()
	defer stop()
	x.Send(s)
	select {
	case r := <-got:
		return r
	case <-time.After(30 * time.Second):
		t.Fatal("nothing came within 30 s")
		return request{}
	}
}

func TestAStartIsATraceBelowItsDeployment(t *testing.T) {
	server, got := collector(t, 2, http.StatusServiceUnavailable) // it is tried again
	r := sent(t, server.URL+"/", got, webhook(aweigh.Ready))
	spans := r.ResourceSpans[0].ScopeSpans[0].Spans
	var names []string
	for n, s := range spans {
		names = append(names, s.Name)
		if len(s.TraceID) != 32 || len(s.SpanID) != 16 || s.TraceID != spans[0].TraceID {
			t.Errorf("%+v", s)
		}
		if want := []string{"", spans[0].SpanID, spans[1].SpanID, spans[1].SpanID}[n]; s.ParentID != want {
			t.Errorf("%s is below %q", s.Name, s.ParentID)
		}
	}
	if strings.Join(names, ", ") != "deployment webhook, start webhook, exec, database" {
		t.Errorf("spans %q", names)
	}
	if db := spans[3]; db.Start != "1795593600003000000" || db.End != "1795593601300000000" || spans[1].End != db.End || spans[1].Status.Code != 1 {
		t.Errorf("%+v", spans)
	}
	if a := r.ResourceSpans[0].Resource.Attributes; a[0] != (attribute{"service.name", value{"webhook"}}) || a[1].Value.Text != "shop" {
		t.Errorf("%+v", a)
	}
}

func TestAFailedStartNamesThePhaseThatItFailedIn(t *testing.T) {
	s := webhook(aweigh.TimedOut)
	s.Deployed = false
	spans := trace(s, "").ScopeSpans[0].Spans
	if len(spans) != 3 || spans[0].ParentID != "" || spans[0].Status != (status{2, "port 5003"}) || spans[1].Status.Code != 0 || spans[2].Status.Code != 2 {
		t.Errorf("%+v", spans)
	}
}

func TestAnErrorShowsNoPassword(t *testing.T) {
	x := New("http://bob:hunter2@127.0.0.1:1", "", slog.New(slog.DiscardHandler))
	x.pause = time.Millisecond
	err := x.deliver(t.Context(), []Start{webhook(aweigh.Ready)})
	if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "the collector 127.0.0.1:1 cannot be reached") {
		t.Error(err)
	}
	server, _ := collector(t, 1, http.StatusUnauthorized) // not tried again
	x = New(server.URL, "", slog.New(slog.DiscardHandler))
	if err := x.deliver(t.Context(), []Start{webhook(aweigh.Ready)}); err == nil || !strings.Contains(err.Error(), "401 Unauthorized") {
		t.Error(err)
	}
}

// A collector that refuses spans answers 200 all the same: they were lost, and nobody
// was told.
func TestWhatACollectorRefusesIsTold(t *testing.T) {
	for answer, refused := range map[string]bool{
		`{"partialSuccess":{"rejectedSpans":"3","errorMessage":"too old"}}`: true,
		`{"partialSuccess":{"rejectedSpans":3,"errorMessage":"too old"}}`:   true,
		`{"partialSuccess":{"errorMessage":"use another port"}}`:            false, // a hint, and all is taken
		`{"partialSuccess":{"rejectedSpans":"0"}}`:                          false,
		`{}`: false, ``: false, `ok`: false,
	} {
		asked := 0
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked++
			io.WriteString(w, answer)
		}))
		x := New(server.URL, "", slog.New(slog.DiscardHandler))
		x.pause = time.Millisecond
		err := x.deliver(t.Context(), []Start{webhook(aweigh.Ready)})
		server.Close()
		if (err != nil) != refused || refused && !strings.Contains(err.Error(), "has refused 3 spans: too old") || asked != 1 {
			t.Errorf("%s: %v, asked %d times", answer, err, asked)
		}
	}
}

// A proxy that wants a login sends us to a page, which answers 200 to anybody.
func TestAPageElsewhereHasNotTakenTheTraces(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/login" {
			http.Redirect(w, r, "/login", http.StatusFound)
		}
	}))
	defer server.Close()
	x := New(server.URL, "", slog.New(slog.DiscardHandler))
	if err := x.deliver(t.Context(), []Start{webhook(aweigh.Ready)}); err == nil || !strings.Contains(err.Error(), "sends us elsewhere") {
		t.Error(err)
	}
}

func TestACollectorThatIsSlowHoldsNobodyUp(t *testing.T) {
	x := New("http://127.0.0.1:1", "", slog.New(slog.DiscardHandler)) // nobody runs it
	for range 3 * waiting {
		x.Send(webhook(aweigh.Ready))
	}
	if len(x.queue) != waiting {
		t.Errorf("%d starts wait", len(x.queue))
	}
}
