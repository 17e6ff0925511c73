package api

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strconv"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/access"
	"github.com/aweigh/aweigh/internal/cli"
	"github.com/aweigh/aweigh/internal/record"
	"github.com/aweigh/aweigh/internal/status"
	"github.com/aweigh/aweigh/internal/store"
)

func (s *server) status(_ http.ResponseWriter, r *http.Request) (any, error) {
	return status.Read(r.Context(), s.Store)
}

// Starts is a page of starts, newest first. Next is what `before` must be for
// the page after it, "" for none.
type Starts struct {
	Starts []aweigh.Start `json:"starts"`
	Next   string         `json:"next,omitempty"`
}

func (s *server) starts(_ http.ResponseWriter, r *http.Request) (any, error) {
	q := r.URL.Query()
	limit, err1 := limitOf(r)
	since, err2 := sinceOf(r)
	failed, err3 := flagOf(r, "failed")
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, err
	}
	all, err := s.Store.Starts(r.Context(), store.StartQuery{Service: q.Get("service"), Project: q.Get("project"), Since: since, Failed: failed, Before: q.Get("before"), Limit: limit + 1})
	if err != nil {
		return nil, err
	}
	page := Starts{Starts: all}
	if len(all) > limit {
		page.Starts, page.Next = all[:limit], all[limit-1].ID
	}
	return page, nil
}

// find finds the start of a request: by the beginning of its id, or the newest of
// a service.
func (s *server) find(r *http.Request) (aweigh.Start, error) {
	what := r.PathValue("id")
	one, err := s.Store.Start(r.Context(), what)
	if !errors.Is(err, store.ErrNotFound) {
		return one, err
	}
	newest, err := s.Store.Starts(r.Context(), store.StartQuery{Service: what, Limit: 1})
	switch {
	case err != nil:
		return one, err
	case len(newest) == 0:
		return one, fmt.Errorf("no start and no service %q: %w", what, store.ErrNotFound)
	}
	return newest[0], nil
}

func (s *server) start(_ http.ResponseWriter, r *http.Request) (any, error) {
	one, err := s.find(r)
	if err != nil {
		return nil, err
	}
	dir, rec, err := record.Of(s.Records, one)
	if err != nil {
		return cli.Told{Start: one}, nil
	}
	defer dir.Close()
	return cli.TellOf(one, rec), nil
}

// output is what a start printed, byte for byte. With follow it goes on until
// the record is closed, or who asks is gone.
func (s *server) output(w http.ResponseWriter, r *http.Request) (any, error) {
	one, err := s.find(r)
	if err != nil {
		return nil, err
	}
	follow, err := flagOf(r, "follow")
	if err != nil {
		return nil, err
	}
	dir, rec, err := record.Of(s.Records, one)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("nothing that start %s printed is kept: %w", one.ID, store.ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	begin, end := int64(0), int64(-1)
	if phase := r.URL.Query().Get("phase"); phase != "" {
		from, to, ok := rec.PhaseWindow(phase)
		if !ok {
			return nil, fmt.Errorf("start %s had no phase %q: %w", one.ID, phase, store.ErrNotFound)
		}
		begin, end = rec.Between(from, to)
	}
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Aweigh-Start", one.ID)
	if end < 0 && !follow {
		h.Set("Aweigh-Size", strconv.FormatInt(rec.OutputSize(), 10))
	}
	out := &patient{w: w, rc: http.NewResponseController(w)}
	if !follow {
		rec.CopyOutput(out, begin, end)
		return nil, nil
	}
	out.flush = true
	out.rc.SetReadDeadline(time.Time{}) // the server's own is for requests, and would end the answer
	out.rc.SetWriteDeadline(time.Time{})
	out.rc.Flush() // who asks does not wait for the first line to know that there is an answer
	defer func() { out.rc.SetWriteDeadline(time.Now().Add(answerTime)) }()
	rec.Follow(out, begin, 200*time.Millisecond, func() bool { return r.Context().Err() != nil || !s.Guard.Still(r, access.View) })
	return nil, nil
}

// patient lets each piece take its time, where all of it may take hours.
type patient struct {
	w     http.ResponseWriter
	rc    *http.ResponseController
	flush bool
}

func (p *patient) Write(b []byte) (int, error) {
	p.rc.SetWriteDeadline(time.Now().Add(answerTime))
	n, err := p.w.Write(b)
	if p.flush && err == nil {
		err = p.rc.Flush()
		p.rc.SetWriteDeadline(time.Time{}) // until there is more to write: HTTP/2 resets a stream whose time is over
	}
	return n, err
}
