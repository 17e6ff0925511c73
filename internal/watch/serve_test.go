package watch

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// The watcher's own health check said that all was well whatever it did.
func TestHealthFailsOnceTheLoopIsStuck(t *testing.T) {
	w := &watcher{Config: Config{State: "/var/lib/aweigh"}}
	ask := func() *httptest.ResponseRecorder {
		out := httptest.NewRecorder()
		w.health(out, httptest.NewRequest("GET", "/health", nil))
		return out
	}
	w.beat.Store(time.Now().UnixNano())
	if got := ask(); got.Code != 200 || !strings.Contains(got.Body.String(), `"status":"pass"`) {
		t.Errorf("a loop that goes round: %d %s", got.Code, got.Body)
	}
	w.beat.Store(time.Now().Add(-time.Minute).UnixNano())
	if got := ask(); got.Code != 503 || !strings.Contains(got.Body.String(), "/var/lib/aweigh stuck?") {
		t.Errorf("a loop that is stuck: %d %s", got.Code, got.Body)
	}
}
