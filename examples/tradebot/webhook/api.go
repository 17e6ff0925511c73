package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"time"
)

const maxBody = 64 << 10

func routes(db *store, health http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /health", health)
	mux.HandleFunc("POST /webhook", func(w http.ResponseWriter, r *http.Request) {
		accept(w, r, strategy.check, db.addStrategy)
	})
	mux.HandleFunc("POST /trades", func(w http.ResponseWriter, r *http.Request) {
		accept(w, r, trade.check, db.addTrade)
	})
	mux.HandleFunc("GET /stats", func(w http.ResponseWriter, r *http.Request) { stats(w, r, db) })
	return mux
}

// accept reads one object, checks it and stores it.
func accept[T any](w http.ResponseWriter, r *http.Request, check func(T) error, add func(context.Context, T, time.Time) error) {
	var v T
	in := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	in.DisallowUnknownFields()
	err := in.Decode(&v)
	if err == nil && in.Decode(&struct{}{}) != io.EOF {
		err = errors.New("one JSON object is expected, there is more")
	}
	if err == nil {
		err = check(v)
	}
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		fail(w, http.StatusRequestEntityTooLarge, fmt.Errorf("the body has more than %d bytes", maxBody))
	case err != nil:
		fail(w, http.StatusBadRequest, err)
	default:
		if err := add(r.Context(), v, time.Now()); err != nil {
			slog.Error("storing", "err", err)
			fail(w, http.StatusInternalServerError, errors.New("it could not be stored"))
			return
		}
		reply(w, http.StatusCreated, map[string]string{"status": "ok"})
	}
}

func (s strategy) check() error {
	switch {
	case s.OrderID == "" || len(s.OrderID) > 128:
		return errors.New("order_id: 1 to 128 characters are needed")
	case s.Strategy == "" || len(s.Strategy) > 128:
		return errors.New("strategy: 1 to 128 characters are needed")
	}
	return nil
}

func (t trade) check() error {
	switch {
	case t.OrderID == "" || len(t.OrderID) > 128:
		return errors.New("order_id: 1 to 128 characters are needed")
	case t.Symbol == "" || len(t.Symbol) > 32:
		return errors.New("symbol: 1 to 32 characters are needed")
	case !(t.Size > 0) || math.IsInf(t.Size, 0):
		return errors.New("size: a positive number is needed")
	case !(t.Price > 0) || math.IsInf(t.Price, 0):
		return errors.New("price: a positive number is needed")
	}
	return nil
}

func stats(w http.ResponseWriter, r *http.Request, db *store) {
	window := 6 * time.Hour
	if text := r.URL.Query().Get("window"); text != "" {
		var err error
		if window, err = time.ParseDuration(text); err != nil || window <= 0 {
			fail(w, http.StatusBadRequest, errors.New("window: a duration such as 30m or 6h is needed"))
			return
		}
	}
	l, err := db.linkage(r.Context(), time.Now().Add(-window))
	if err != nil {
		slog.Error("counting", "err", err)
		fail(w, http.StatusInternalServerError, errors.New("the trades could not be counted"))
		return
	}
	l.Window = window.String()
	reply(w, http.StatusOK, l)
}

func fail(w http.ResponseWriter, status int, err error) {
	reply(w, status, map[string]string{"error": err.Error()})
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}
