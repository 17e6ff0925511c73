package engine

import (
	"net"
	"net/http"
	"path/filepath"
	"testing"
)

// Answer plays an engine that has these answers alone, by their paths ("/version"), and
// returns where it listens.
func Answer(t *testing.T, answers map[string]http.HandlerFunc) (host string) {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/_ping", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Api-Version", "1.41") })
	for path, answer := range answers {
		mux.HandleFunc("/v1.41"+path, answer)
	}
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "d.sock"))
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: mux}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	return "unix://" + l.Addr().String()
}
