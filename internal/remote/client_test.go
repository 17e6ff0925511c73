package remote

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aweigh/aweigh/internal/status"
	"github.com/aweigh/aweigh/internal/store"
)

func TestATokenIsNotSentInTheClearToAnotherMachine(t *testing.T) {
	for server, ok := range map[string]bool{"http://127.0.0.1:7423": true, "http://localhost": true, "https://aweigh.example.com": true, "http://[::1]:1": true,
		"http://aweigh.example.com": false, "aweigh.example.com": false, "ftp://x": false, "https://u:p@x": false, "": false} {
		if _, err := Dial(server, "token"); (err == nil) != ok {
			t.Errorf("%s: %v", server, err)
		} else if err != nil && strings.Contains(err.Error(), "u:p") {
			t.Error("the error repeats a password")
		}
	}
	if _, err := Dial("http://aweigh.example.com", ""); err != nil {
		t.Errorf("without a token there is nothing to keep: %v", err)
	}
}

func TestATokenDoesNotFollowARedirect(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it did") }))
	defer elsewhere.Close()
	there := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusFound))
	defer there.Close()
	c, err := Dial(there.URL, "token")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Status(t.Context()); err == nil || !strings.Contains(err.Error(), "the watcher's own URL") {
		t.Error(err)
	}
}

func TestPagesAreAskedForUntilThereIsNone(t *testing.T) {
	there := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer token" || r.URL.Path != "/below/api/v1/starts" {
			t.Errorf("asked for %s with %q", r.URL, r.Header.Get("Authorization"))
		}
		if r.URL.Query().Get("before") == "" {
			w.Write([]byte(`{"starts":[{"id":"B"}],"next":"B"}`))
			return
		}
		w.Write([]byte(`{"starts":[{"id":"A"}]}`))
	}))
	defer there.Close()
	c, err := Dial(there.URL+"/below", "token")
	if err != nil {
		t.Fatal(err)
	}
	all, err := c.Starts(t.Context(), store.StartQuery{Service: "web"})
	if err != nil || len(all) != 2 || all[1].ID != "A" {
		t.Errorf("%+v %v", all, err)
	}
}

func TestWhatIsRefusedThereIsSaidHere(t *testing.T) {
	there := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusConflict)
		w.Write([]byte(`{"error":"it was acknowledged already"}`))
	}))
	c, err := Dial(there.URL, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Acknowledge(t.Context(), "01JD", status.Word{}); err == nil || !strings.Contains(err.Error(), "acknowledged already (409") {
		t.Error(err)
	}
	there.Close()
	if _, err := c.Incident(t.Context(), "01JD"); err == nil || !strings.Contains(err.Error(), "is `aweigh watch` running there?") {
		t.Error(err)
	}
}
