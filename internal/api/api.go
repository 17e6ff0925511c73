// Package api answers programs in JSON, under /api/v1: what `aweigh status`,
// `incidents`, `starts`, `show`, `logs` and `maintenance` say and do.
//
//	mux.Handle("/api/v1/", api.New(api.Config{Store: st, Records: dir, Guard: guard}))
//
// openapi.json, which is served as well, describes it; a test asks each operation
// and compares the answer with its schema. Errors are {"error": "…"}.
package api

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strconv"
	"time"

	"github.com/aweigh/aweigh/internal/access"
	"github.com/aweigh/aweigh/internal/status"
	"github.com/aweigh/aweigh/internal/store"
)

//go:embed openapi.json
var document []byte

// Document is the OpenAPI description.
func Document() []byte { return document }

// Config is what the API needs to know.
type Config struct {
	Store   *store.Store
	Records string // the watcher's state directory
	Guard   *access.Guard
	// Settled waits until what was said has been folded.
	Settled func(context.Context)
}

type server struct{ Config }

// handler answers with a value, which becomes JSON, or has answered itself and
// returns nil.
type handler func(w http.ResponseWriter, r *http.Request) (any, error)

// views are the calls that the role view is enough for, acts those that need act.
func (s *server) views() map[string]handler {
	return map[string]handler{
		"GET /api/v1/status":             s.status,
		"GET /api/v1/starts":             s.starts,
		"GET /api/v1/starts/{id}":        s.start,
		"GET /api/v1/starts/{id}/output": s.output,
		"GET /api/v1/incidents":          s.incidents,
		"GET /api/v1/incidents/{id}":     s.incident,
		"GET /api/v1/maintenance":        s.windows,
	}
}

func (s *server) acts() map[string]handler {
	return map[string]handler{
		"POST /api/v1/incidents/{id}/acknowledge": s.say(status.Acknowledge),
		"POST /api/v1/incidents/{id}/resolve":     s.say(status.Resolve),
		"POST /api/v1/incidents/{id}/comment":     s.say(status.Comment),
		"POST /api/v1/maintenance":                s.begin,
		"DELETE /api/v1/maintenance/{id}":         s.end,
	}
}

// New serves the API. access.Guard.Protect must be around it.
func New(c Config) http.Handler {
	s := &server{c}
	mux := http.NewServeMux()
	for pattern, h := range s.views() {
		mux.Handle(pattern, s.Guard.Need(access.View, serve(h)))
	}
	for pattern, h := range s.acts() {
		mux.Handle(pattern, s.Guard.Need(access.Act, serve(h)))
	}
	mux.HandleFunc("GET /api/v1/openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Write(document)
	})
	mux.Handle("/api/v1/", serve(func(http.ResponseWriter, *http.Request) (any, error) {
		return nil, fmt.Errorf("there is no such call: see /api/v1/openapi.json: %w", store.ErrNotFound)
	}))
	return mux
}

// maxBody is the largest request, in bytes; answerTime how long an answer may
// take to reach a slow reader.
const (
	maxBody    = 64 << 10
	answerTime = 30 * time.Second
)

func serve(h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		http.NewResponseController(w).SetWriteDeadline(time.Now().Add(answerTime))
		value, err := h(w, r)
		switch {
		case err != nil:
			answer(w, codeOf(err), map[string]string{"error": err.Error()})
		case value != nil:
			answer(w, http.StatusOK, value)
		}
	}
}

func answer(w http.ResponseWriter, code int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.Encode(value)
}

// badRequest is an error of the asker's.
type badRequest struct{ error }

func codeOf(err error) int {
	var refused *status.Refused
	var large *http.MaxBytesError
	switch {
	case errors.As(err, new(badRequest)):
		return http.StatusBadRequest
	case errors.Is(err, store.ErrNotFound), errors.Is(err, fs.ErrNotExist):
		return http.StatusNotFound
	case errors.As(err, &refused), errors.Is(err, store.ErrAmbiguous):
		return http.StatusConflict
	case errors.As(err, &large):
		return http.StatusRequestEntityTooLarge
	}
	return http.StatusInternalServerError
}

// limitOf reads how many are asked for: 1 to 1,000, else 100.
func limitOf(r *http.Request) (int, error) {
	text := r.URL.Query().Get("limit")
	if text == "" {
		return 100, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > 1000 {
		return 0, badRequest{errors.New("limit is a number from 1 to 1000")}
	}
	return n, nil
}

// sinceOf reads a moment: RFC 3339.
func sinceOf(r *http.Request) (time.Time, error) {
	text := r.URL.Query().Get("since")
	if text == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return at, badRequest{errors.New("since is a moment as of RFC 3339, such as 2026-11-23T03:12:00Z")}
	}
	return at, nil
}

// flagOf reads true or false.
func flagOf(r *http.Request, name string) (bool, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return false, nil
	}
	on, err := strconv.ParseBool(text)
	if err != nil {
		return false, badRequest{fmt.Errorf("%s is true or false", name)}
	}
	return on, nil
}
