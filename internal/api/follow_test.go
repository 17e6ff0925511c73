package api

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/aweigh/aweigh/internal/record"
	"github.com/aweigh/aweigh/internal/store"
)

// timed is an answer's way out, and until when it may be written to.
type timed struct {
	*httptest.ResponseRecorder
	mu    sync.Mutex
	until time.Time
}

func (o *timed) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.ResponseRecorder.Write(b)
}

func (o *timed) SetReadDeadline(time.Time) error { return nil }

func (o *timed) SetWriteDeadline(t time.Time) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.until = t
	return nil
}

// await waits until this was written, and nothing limits what comes next.
func (o *timed) await(t *testing.T, text string) {
	t.Helper()
	var until time.Time
	for begin := time.Now(); time.Since(begin) < 10*time.Second; time.Sleep(time.Millisecond) {
		o.mu.Lock()
		written := bytes.Clone(o.Body.Bytes())
		until = o.until
		o.mu.Unlock()
		if string(written) == text && until.IsZero() {
			return
		}
	}
	t.Fatalf("10 s after it was printed %q was not written, or it ends %s", text, until)
}

// silent is a start that has printed nothing yet.
func (w *watched) silent(t *testing.T) (id string, rec *record.Recorder) {
	t.Helper()
	all, err := w.store.Starts(t.Context(), store.StartQuery{})
	if err != nil {
		t.Fatal(err)
	}
	id = all[len(all)-1].ID
	rec = record.Begin(w.records, record.Event{Service: "webhook", Start: id}, time.Now(), 1<<20, func(text string) { t.Error(text) })
	rec.Dir() // it is there
	return id, rec
}

// Half a minute after the last line that a service had printed its log could not be
// written to any more: HTTP/2 reset the stream at once, HTTP/1 broke off at the end.
func TestALogIsFollowedThroughSilence(t *testing.T) {
	w := newWatched(t)
	id, rec := w.silent(t)
	r := httptest.NewRequest("GET", "/api/v1/starts/"+id+"/output?follow=true", nil)
	r.Header.Set("Authorization", "Bearer "+view)
	out := &timed{ResponseRecorder: httptest.NewRecorder()}
	var following sync.WaitGroup
	following.Go(func() { w.handler.ServeHTTP(out, r) })
	out.await(t, "")
	rec.Output(record.Stdout, []byte("one\n"))
	out.await(t, "one\n")
	rec.Close(5 * time.Second)
	following.Wait()
	if left := time.Until(out.until); left <= 0 || left > answerTime {
		t.Errorf("%d: the end of the answer has %s", out.Code, left)
	}
}

// The answer began with the first line, which a client did not wait for longer than
// half a minute.
func TestALogIsFollowedFromBeforeItsFirstLine(t *testing.T) {
	w := newWatched(t)
	id, rec := w.silent(t)
	defer rec.Close(5 * time.Second)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, "GET", w.url+"/api/v1/starts/"+id+"/output?follow=true", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+view)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatalf("there was no answer: %v", err)
	}
	defer answer.Body.Close()
	rec.Output(record.Stdout, []byte("one\n"))
	var line [4]byte
	if _, err := io.ReadFull(answer.Body, line[:]); err != nil || string(line[:]) != "one\n" {
		t.Errorf("got %q, %v", line, err)
	}
}
