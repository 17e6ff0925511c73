package web

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// timed is an answer's way out, and until when it may be written to.
type timed struct {
	*httptest.ResponseRecorder
	until time.Time
}

func (o *timed) SetWriteDeadline(at time.Time) error { o.until = at; return nil }

// A page that followed over HTTPS was cut off ten seconds after each word: over HTTP/2
// the time for one that is over resets the stream.
func TestLiveStreamMayBeSilent(t *testing.T) {
	out := &timed{ResponseRecorder: httptest.NewRecorder()}
	s := &stream{out, http.NewResponseController(out)}
	if err := s.write(": here\n\n"); err != nil || !out.until.IsZero() {
		t.Errorf("%v: the stream ends at %s", err, out.until)
	}
}
