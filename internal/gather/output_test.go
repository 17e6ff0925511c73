package gather

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/docker"
	"github.com/aweigh/aweigh/test/engine"
)

// Of a log of gigabytes, which nobody rotates, no more came in ten seconds than its
// beginning, and what had just happened was not judged.
func TestOfAVeryLongLogTheBeginningAndTheEndAreRead(t *testing.T) {
	host := engine.Answer(t, map[string]http.HandlerFunc{"/containers/web/logs": func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("tail") != "" {
			w.Write(bytes.Repeat([]byte("served\n"), docker.MostLines-1))
			w.Write([]byte("disk full\n"))
			return
		}
		w.Write([]byte("listening\n"))
		for line := bytes.Repeat([]byte("x"), 4096); ; { // without end
			if _, err := w.Write(line); err != nil {
				return
			}
		}
	}})
	d, err := docker.Open(host)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	f := &Found{}
	f.engineOutput(t.Context(), d, docker.Inspection{Container: aweigh.Container{ID: "web"}, Terminal: true}, docker.Span{})
	got := string(f.Evidence.Output)
	if !strings.HasPrefix(got, "listening\n") || !strings.HasSuffix(got, "served\ndisk full\n") || !strings.Contains(got, "bytes are left out here") || len(f.Notes) != 1 {
		t.Errorf("%d bytes: %.20q … %q; %q", len(got), got, got[max(0, len(got)-20):], f.Notes)
	}
}

// A service that waits has printed a prompt, and no end of a line. Where the rest of its
// log did not come in time, what had come was not judged.
func TestOutputWithoutTheEndOfALineIsKeptThoughTheRestDoesNotCome(t *testing.T) {
	host := engine.Answer(t, map[string]http.HandlerFunc{"/containers/web/logs": func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte("\x01\x00\x00\x00\x00\x00\x00\x1cwaiting for the database ..."))
		w.Write([]byte("\xff damaged")) // or it takes too long
	}})
	d, err := docker.Open(host)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	f := &Found{}
	f.engineOutput(t.Context(), d, docker.Inspection{Container: aweigh.Container{ID: "web"}}, docker.Span{})
	if got := string(f.Evidence.Output); got != "waiting for the database ..." || len(f.Notes) != 1 {
		t.Errorf("kept %q; %q", got, f.Notes)
	}
}
