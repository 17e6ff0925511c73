package docker

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
)

// Podman says no to those who make a volume at the same moment as another one.
func TestVolumeThatAnotherMadeAtTheSameMomentIsFound(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			http.Error(w, `{"message": "volume with name lock already exists: volume already exists"}`, http.StatusInternalServerError)
			return
		}
		w.Header().Set("Api-Version", "1.41")
		fmt.Fprint(w, `{"Name": "lock", "Labels": {"who": "ann"}}`)
	}))
	defer s.Close()
	e, err := Open("tcp://" + s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if has, err := e.MakeVolume(t.Context(), "lock", map[string]string{"who": "bob"}); err != nil || has["who"] != "ann" {
		t.Errorf("got %v, %v", has, err)
	}
}
