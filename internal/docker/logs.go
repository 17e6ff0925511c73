package docker

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"github.com/aweigh/aweigh"
)

// Span is a part of a container's output. The zero value is all that there is.
type Span struct {
	Since, Until time.Time // zero: from its beginning, to its end
	Follow       bool      // also what comes, until the container ends
	Tail         int       // the last lines of that alone; 0: all of it, MostLines where it has a Since
}

// AllLines is a Tail for all of it even where it has a Since, whatever that costs.
const AllLines = -1

// MostLines is how much is read of an output that does not begin with the engine's log. To
// find a moment in that the engine reads all that is before it, at 30 MB a second, and it
// keeps gigabytes where nobody has told it to rotate them; the last lines it finds at once.
const MostLines = 100_000

func (s Span) query() url.Values {
	query := url.Values{"stdout": {"1"}, "stderr": {"1"}}
	if s.Follow {
		query.Set("follow", "1")
	}
	if !s.Until.IsZero() {
		query.Set("until", stamp(s.Until))
	}
	if !s.Since.IsZero() {
		query.Set("since", stamp(s.Since))
	}
	if s.Tail == 0 && !s.Since.IsZero() {
		s.Tail = MostLines
	}
	if s.Tail > 0 {
		query.Set("tail", strconv.Itoa(s.Tail))
	}
	return query
}

// OutputFrom is from when on the output of a container's life is to be read that
// began at this time by the engine's word: from the end of the life before, or
// all of it, which is the zero time. Not from that time itself: the engine takes
// it after the process has begun to print, on a busy machine long after, and the
// first lines are the ones that matter most.
func OutputFrom(c *aweigh.Container, began time.Time) time.Time {
	if (c.Status == "running" || c.Status == "paused") && c.Finished.Before(began) {
		return c.Finished
	}
	// The inspection came after the end of this life, and does not know the one
	// before. That its end is before its beginning says nothing: the engine takes
	// the one from containerd, and the other when it comes to it.
	if c.RestartCount == 0 && began.Sub(c.Created) < atOnce {
		return time.Time{}
	}
	return began.Add(-earlier)
}

// EndOf is when the life of a container ended that began at this time by the engine's
// word, as far as an inspection tells: where others have followed, the end of the one
// before the present. It is zero while it goes on. ErrRefused says that the container is
// gone.
func (e *Engine) EndOf(ctx context.Context, id string, began time.Time) (time.Time, error) {
	k, err := e.inspect(ctx, id)
	if errdefs.IsNotFound(err) {
		return time.Time{}, fmt.Errorf("%w: the container is gone", ErrRefused)
	}
	if err != nil {
		return time.Time{}, e.explain(err)
	}
	c := &k.container
	switch goesOn := c.Status == "running" || c.Status == "paused"; {
	case goesOn && !c.Started.After(began):
		return time.Time{}, nil
	case c.Finished.IsZero(): // an engine that was killed does not know
		return time.Now(), nil
	}
	return c.Finished, nil
}

const (
	// atOnce is how long after its creation a container's start is its first, as
	// far as anybody can tell.
	atOnce = 10 * time.Second
	// earlier is how long before the engine's word of a start its output may
	// begin.
	earlier = 2 * time.Second
)

// Logs is a container's output. It is framed (see Frames) unless the container
// has a terminal.
//
// The request is written by hand over the client's connection: one of
// net/http's costs two goroutines and two buffers more, for as long as the
// container lives, and a host may have hundreds.
func (e *Engine) Logs(ctx context.Context, id string, span Span) (io.ReadCloser, error) {
	host, err := client.ParseHostURL(e.client.DaemonHost())
	if err != nil {
		return nil, err
	}
	version, podman, err := e.version(ctx)
	if err != nil {
		return nil, err
	}
	if podman && span.Follow {
		// It reads the last lines and goes on at the end of the log, and what comes in
		// between is lost (libpod/logs/log.go, GetLogFile).
		span.Tail = AllLines
	}
	where := url.URL{Scheme: "http", Host: "localhost", RawQuery: span.query().Encode(),
		Path: strings.TrimSuffix(host.Path, "/") + "/v" + version + "/containers/" + id + "/logs"}
	if host.Scheme == "tcp" {
		where.Host = host.Host
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, where.String(), nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("User-Agent", "aweigh")
	conn, err := dial(ctx, e.client.Dialer())
	if err != nil {
		return nil, e.explain(err)
	}
	s := &logStream{conn: conn}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	if err := request.Write(conn); err != nil {
		conn.Close()
		return nil, err
	}
	answer, err := http.ReadResponse(bufio.NewReaderSize(conn, headBytes), request)
	if err != nil {
		conn.Close()
		return nil, err
	}
	s.body = answer.Body
	if answer.StatusCode != http.StatusOK {
		defer conn.Close()
		return nil, refusal(answer)
	}
	return s, nil
}

// dial connects until ctx ends. The client's own dialler does not heed it over TLS: of an
// engine that takes the connection and says nothing it would wait for ever.
func dial(ctx context.Context, connect func(context.Context) (net.Conn, error)) (net.Conn, error) {
	type made struct {
		conn net.Conn
		err  error
	}
	done := make(chan made, 1)
	go func() {
		conn, err := connect(ctx)
		done <- made{conn, err}
	}()
	select {
	case m := <-done:
		return m.conn, m.err
	case <-ctx.Done():
		go func() { // nobody can wait for that
			if m := <-done; m.err == nil {
				m.conn.Close()
			}
		}()
		return nil, ctx.Err()
	}
}

// headBytes is the buffer for the head of the engine's answer. Output that is
// longer is read past it.
const headBytes = 1 << 10

// ErrRefused says that an engine does not give a container's output, and will not: its
// driver cannot be read, or the container is gone.
var ErrRefused = errors.New("the engine says")

// refusal is the engine's own word in an answer that is none.
func refusal(answer *http.Response) error {
	var said struct{ Message string }
	text, _ := io.ReadAll(io.LimitReader(answer.Body, 4<<10))
	if json.Unmarshal(text, &said) != nil || said.Message == "" {
		said.Message = answer.Status
	}
	switch answer.StatusCode {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		// It is about to end, or there is only a proxy before it.
		return fmt.Errorf("the engine says for now: %s", firstLine(said.Message))
	}
	return fmt.Errorf("%w: %s", ErrRefused, firstLine(said.Message))
}

// logStream is output as it comes. Its Close may be called while it is read:
// that of net/http's body would wait for the rest.
type logStream struct {
	conn net.Conn
	body io.Reader
}

func (s *logStream) Read(b []byte) (int, error) { return s.body.Read(b) }
func (s *logStream) Close() error               { return s.conn.Close() }
