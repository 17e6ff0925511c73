package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/access"
	"github.com/aweigh/aweigh/internal/record"
)

const (
	// maxStreams bounds the pages that follow: each costs a connection.
	maxStreams = 200
	// pauseOfEvents is the least between two words of a change: a storm of
	// crashes must not become one of pages.
	pauseOfEvents = time.Second
	// lookEvery is how often the output of a start is looked at for more.
	lookEvery = 200 * time.Millisecond
	// beatOfStream keeps proxies from ending a stream that has nothing to say.
	beatOfStream = 15 * time.Second
	// writeTime is how long one message may take to reach a slow reader.
	writeTime = 10 * time.Second
	// linesOfMessage bounds one message.
	linesOfMessage = 500
)

var streams atomic.Int64

// stream is a connection of server-sent events (the HTML standard, 9.2).
type stream struct {
	w  http.ResponseWriter
	rc *http.ResponseController
}

// open begins a stream; false says that there are too many. done must be called.
func (s *Site) open(w http.ResponseWriter) (st *stream, done func(), ok bool) {
	if streams.Add(1) > maxStreams {
		streams.Add(-1)
		w.Header().Set("Retry-After", "60")
		http.Error(w, "too many pages follow already: reload by hand", http.StatusServiceUnavailable)
		return nil, nil, false
	}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no")
	st = &stream{w, http.NewResponseController(w)}
	st.rc.SetReadDeadline(time.Time{}) // the server's own is for requests, and would end the stream
	st.write("retry: 3000\n\n")
	return st, func() {
		st.rc.SetWriteDeadline(time.Now().Add(writeTime)) // for the end of the answer
		streams.Add(-1)
	}, true
}

func (s *stream) write(text string) error {
	s.rc.SetWriteDeadline(time.Now().Add(writeTime))
	if _, err := fmt.Fprint(s.w, text); err != nil {
		return err
	}
	err := s.rc.Flush()
	s.rc.SetWriteDeadline(time.Time{}) // until there is more to say: HTTP/2 resets a stream whose time is over
	return err
}

// send sends an event with JSON, which has no line ends in it.
func (s *stream) send(event string, id int64, data any) error {
	b, err := json.Marshal(data)
	if err != nil {
		return err
	}
	return s.write(fmt.Sprintf("event: %s\nid: %d\ndata: %s\n\n", event, id, b))
}

// events tells each time that the store has changed.
func (s *Site) events(w http.ResponseWriter, r *http.Request) error {
	st, done, ok := s.open(w)
	if !ok {
		return nil
	}
	defer done()
	for n := int64(1); ; n++ {
		rung := s.bell.next()
		if !s.wait(r, st, rung) || st.send("changed", n, struct{}{}) != nil {
			return nil
		}
		select {
		case <-time.After(pauseOfEvents):
		case <-s.done:
			return nil
		case <-r.Context().Done():
			return nil
		}
	}
}

// wait waits for a change; false says that the stream is over.
func (s *Site) wait(r *http.Request, st *stream, rung <-chan struct{}) bool {
	beat := time.NewTicker(beatOfStream)
	defer beat.Stop()
	for {
		select {
		case <-rung:
			return true
		case <-beat.C:
			if !s.Guard.Still(r, access.View) || st.write(": here\n\n") != nil {
				return false
			}
		case <-s.done:
			return false
		case <-r.Context().Done():
			return false
		}
	}
}

// lines is a message of live.
type lines struct {
	Lines []record.Line `json:"lines"`
	Next  int64         `json:"next"`
}

// live follows a start: its lines from an offset on as they come, and "over" when
// it has its verdict and its output has ended.
func (s *Site) live(w http.ResponseWriter, r *http.Request) error {
	one, err := s.Store.Start(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	from, _ := strconv.ParseInt(r.URL.Query().Get("from"), 10, 64)
	if last, err := strconv.ParseInt(r.Header.Get("Last-Event-ID"), 10, 64); err == nil {
		from = last
	}
	st, done, ok := s.open(w)
	if !ok {
		return nil
	}
	defer done()
	f := follower{site: s, start: one, from: max(0, from)}
	defer f.close()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	beat := time.NewTicker(beatOfStream)
	defer beat.Stop()
	for {
		over, err := f.look(st)
		if over || err != nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-beat.C:
			if !s.Guard.Still(r, access.View) || st.write(": here\n\n") != nil {
				return nil
			}
		case <-s.done:
			return nil
		case <-r.Context().Done():
			return nil
		}
	}
}

// follower reads on in the output of a start.
type follower struct {
	site  *Site
	start aweigh.Start
	from  int64
	size  int64
	dir   *record.Dir
	rec   *record.Record
	open  string // the open line that was told last
}

func (f *follower) close() {
	if f.dir != nil {
		f.dir.Close()
	}
}

// look tells what is new.
func (f *follower) look(st *stream) (over bool, err error) {
	if f.rec == nil {
		if f.dir, f.rec, err = record.Of(f.site.Records, f.start); err != nil {
			f.dir, f.rec = nil, nil // it is not there yet
			return false, nil
		}
	}
	ended := !f.rec.Live()
	for {
		size := f.rec.OutputSize()
		if size == f.size {
			break
		}
		more, next, err := f.rec.Lines(f.from, linesOfMessage, nil)
		if err != nil {
			return true, err
		}
		if n := len(more); n == 0 || n == 1 && more[0].Open && more[0].Text == f.open {
			f.size = size
			break
		}
		if last := more[len(more)-1]; last.Open {
			f.open = last.Text
		}
		if err := st.send("lines", next, lines{more, next}); err != nil {
			return true, err
		}
		if f.from = next; len(more) < linesOfMessage {
			f.size = size
		}
	}
	if ended {
		return true, st.send("over", f.from, struct{}{})
	}
	return false, nil
}
