package docker

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// An engine that had trouble with one container was taken to have lost it: the way back
// of a deployment removed it then, as one that had not been there before.
func TestTwinsAreAllOrNone(t *testing.T) {
	for code, want := range map[int]string{http.StatusNotFound: "1 of them, <nil>", http.StatusInternalServerError: "0 of them, container engine"} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Api-Version", "1.41")
			switch {
			case strings.HasSuffix(r.URL.Path, "/containers/json"):
				fmt.Fprint(w, `[{"Id": "web"}, {"Id": "db"}]`)
			case strings.HasSuffix(r.URL.Path, "/containers/db/json"):
				http.Error(w, `{"message": "no"}`, code)
			default:
				fmt.Fprint(w, `{"Id": "web", "Config": {}, "HostConfig": {}}`)
			}
		}))
		defer s.Close()
		e, err := Open("tcp://" + s.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		all, err := e.Twins(t.Context(), "shop")
		if got := fmt.Sprintf("%d of them, %v", len(all), err); !strings.HasPrefix(got, want) {
			t.Errorf("%d: got %s", code, got)
		}
	}
}
