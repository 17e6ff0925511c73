package drill

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/moby/moby/client"
)

// fakeEngine knows containers by their names; each runs as soon as it is started.
func fakeEngine(t *testing.T) *client.Client {
	t.Helper()
	made := map[string]bool{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, path, _ := strings.Cut(r.URL.Path, "/containers/")
		name, verb, _ := strings.Cut(path, "/")
		w.Header().Set("Content-Type", "application/json")
		switch {
		case name == "create":
			name = r.URL.Query().Get("name")
			if made[name] {
				w.WriteHeader(http.StatusConflict)
				fmt.Fprintf(w, `{"message": "the container name %s is already in use"}`, name)
				return
			}
			made[name] = true
			w.WriteHeader(http.StatusCreated)
			json.NewEncoder(w).Encode(map[string]string{"Id": name})
		case verb == "start":
			w.WriteHeader(http.StatusNoContent)
		case verb == "json":
			fmt.Fprint(w, `{"State": {"Status": "running", "Running": true}, "NetworkSettings": {}}`)
		case r.Method == http.MethodDelete:
			delete(made, name)
			w.WriteHeader(http.StatusNoContent)
		default:
			w.Header().Set("Api-Version", "1.44")
		}
	}))
	t.Cleanup(s.Close)
	c, err := client.New(client.WithHost("tcp://" + s.Listener.Addr().String()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// web needs api and db, and api needs db: no drill of it had a steady state, for
// the second copy of db could not have the name of the first.
func TestADependencyOfSeveralHasOneCopy(t *testing.T) {
	db := &Service{Name: "db", Image: "db:1"}
	api := &Service{Name: "api", Image: "api:1", Dependencies: []*Service{db}}
	st := &stage{run: &run{engine: fakeEngine(t)}, name: "drill-web", there: map[string]bool{}}
	for _, d := range []*Service{api, {Name: "db", Image: "db:1"}} {
		if err := st.depend(t.Context(), d); err != nil {
			t.Fatalf("%s: %v", d.Name, err)
		}
	}
	// What an injection has replaced is put back, and what is below it is still there.
	hang := func(*Service) []string { return []string{"hang"} }
	if err := st.replace(t.Context(), api, hang); err != nil {
		t.Fatal(err)
	}
	if err := st.restore(t.Context(), []*Service{api}); err != nil {
		t.Error(err)
	}
}

// Without a known port nothing can be made deaf: a stand-in that listens nowhere
// refuses, and the drill failed for it.
func TestWithoutAKnownPortNothingIsBlackholed(t *testing.T) {
	st := &stage{run: &run{service: &Service{Dependencies: []*Service{{Name: "db"}}}}}
	err := without(silent)(context.Background(), st)
	if _, ok := err.(notApplicable); !ok {
		t.Errorf("got %v", err)
	}
}
