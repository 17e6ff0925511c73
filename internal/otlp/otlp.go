// Package otlp sends starts as traces to an OpenTelemetry collector: a start is a
// trace with its phases as spans, below the deployment if it is one.
//
//	x := otlp.New("http://127.0.0.1:4318", version, log)
//	go x.Run(ctx)
//	x.Send(otlp.Start{Start: start, Deployed: true})
//
// It is OTLP's JSON over HTTP by hand. A trace here is three kinds of spans, made
// after the fact with times and ids of our own; the SDK with its exporter would be
// some forty packages, protobuf among them, for what are 200 lines. Traces are not
// evidence: what a collector does not take within half a minute is dropped, and
// that is told.
package otlp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// waiting is how many starts may wait to be sent.
	waiting = 1000
	// batch is how many are sent together, at most.
	batch = 100
	// tries is how often a batch is tried, with pauses of 1, 2, 4 … s between.
	tries = 6
	// sendTimeout is how long a try may take.
	sendTimeout = 10 * time.Second
)

// Exporter sends traces. Send may be called from any goroutine.
type Exporter struct {
	url     string
	version string
	log     *slog.Logger
	queue   chan Start
	// Fill completes starts just before they are sent; nil for nothing.
	Fill func([]Start)
	// pause is the first between two tries.
	pause time.Duration
}

// New is an exporter to the collector with this base URL, which may have a user
// and a password. It starts nothing.
func New(base, version string, log *slog.Logger) *Exporter {
	return &Exporter{url: strings.TrimSuffix(base, "/") + "/v1/traces", version: version, log: log, queue: make(chan Start, waiting), pause: time.Second}
}

// Send hands a start over, and never waits: when too many wait it is dropped.
func (x *Exporter) Send(s Start) {
	select {
	case x.queue <- s:
	default:
	}
}

// Run sends until ctx ends.
func (x *Exporter) Run(ctx context.Context) {
	failing := false
	for {
		var starts []Start
		select {
		case <-ctx.Done():
			return
		case s := <-x.queue:
			starts = append(starts, s)
		}
		for len(starts) < batch && len(x.queue) > 0 {
			starts = append(starts, <-x.queue)
		}
		err := x.deliver(ctx, starts)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && !failing:
			x.log.Warn(fmt.Sprintf("traces of %d starts are dropped: %v", len(starts), err), "event", "warning")
		case err == nil && failing:
			x.log.Info("the collector takes traces again", "event", "otlp.again")
		}
		failing = err != nil
	}
}

// deliver tries until the collector has taken the traces, or never will.
func (x *Exporter) deliver(ctx context.Context, starts []Start) error {
	if x.Fill != nil {
		x.Fill(starts)
	}
	var r request
	for _, s := range starts {
		r.ResourceSpans = append(r.ResourceSpans, trace(s, x.version))
	}
	body, err := json.Marshal(r)
	if err != nil {
		return err
	}
	pause := x.pause
	for n := 1; ; n++ {
		again, err := x.post(ctx, body)
		if err == nil || !again || n == tries {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
		pause *= 2
	}
}

// answer is what a collector says of what it has got. It may take a part of it, and
// must not be sent the rest again (https://opentelemetry.io/docs/specs/otlp/#partial-success-1).
type answer struct {
	Partial struct {
		Rejected json.Number `json:"rejectedSpans"` // a 64-bit number: as text, or not
		Message  string      `json:"errorMessage"`
	} `json:"partialSuccess"`
}

// post is one try. again says that another one may help: OTLP names the statuses.
func (x *Exporter) post(ctx context.Context, body []byte) (again bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, x.url, bytes.NewReader(body))
	if err != nil {
		return false, errors.New("the URL of the collector is not one")
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		var inner *url.Error
		if errors.As(err, &inner) {
			err = inner.Err // the URL may have a password in it
		}
		return true, fmt.Errorf("the collector %s cannot be reached: %w", req.URL.Host, err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if resp.Request.Method != http.MethodPost {
		return false, fmt.Errorf("the collector %s sends us elsewhere: is this its own URL?", req.URL.Host)
	}
	switch resp.StatusCode {
	case http.StatusOK, http.StatusAccepted, http.StatusNoContent:
		var said answer
		json.Unmarshal(text, &said) // without it all was taken
		if n, _ := said.Partial.Rejected.Int64(); n > 0 {
			return false, fmt.Errorf("the collector %s has refused %d spans: %.300s", req.URL.Host, n, said.Partial.Message)
		}
		return false, nil
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		again = true
	}
	return again, fmt.Errorf("the collector %s answers %s", req.URL.Host, resp.Status)
}
