package verify

import (
	"encoding/binary"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/docker"
	"github.com/aweigh/aweigh/internal/record"
	"github.com/aweigh/aweigh/test/engine"
)

// The output of a migration that a person had run by `docker compose run` was what
// the service's own errors were compared with.
func TestWhatAPersonRanOnceIsNoStartToCompareWith(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	var starts []aweigh.Start // newest first
	for _, one := range []struct {
		id, prints string
		oneOff     bool
	}{{aweigh.NewID(now), "migrated\n", true}, {aweigh.NewID(now.Add(-time.Minute)), "ERROR as always\n", false}} {
		rec := record.Begin(dir, record.Event{Service: "web", Start: one.id}, now, 1<<20, func(text string) { t.Error(text) })
		rec.Output(record.Stdout, []byte(one.prints))
		rec.Close(5 * time.Second)
		starts = append(starts, aweigh.Start{ID: one.id, Service: "web", Verdict: aweigh.Ready, OneOff: one.oneOff})
	}
	v := &verifier{Config: Config{Records: dir}, base: map[string]*baseline{}}
	if b := v.baseline("web", starts, nil); b == nil || len(b.news([]string{"ERROR as always"})) != 0 {
		t.Errorf("compared with %+v", b)
	}
}

// Of a service that was restarted yesterday and had printed a lot since, the line that
// proves its start was told as not there.
func TestTheStartOfALongOutputIsRead(t *testing.T) {
	host := engine.Answer(t, map[string]http.HandlerFunc{"/containers/web/logs": func(w http.ResponseWriter, r *http.Request) {
		text := strings.Repeat("served a request, and another one, and all of them well\n", docker.MostLines)
		if r.FormValue("tail") == "" {
			text = "listening\n" + text
		}
		w.Write(binary.BigEndian.AppendUint32([]byte{1, 0, 0, 0}, uint32(len(text))))
		w.Write([]byte(text))
	}})
	d, err := docker.Open(host)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	v := &verifier{Config: Config{Engine: d, LogLine: "listening"}}
	yesterday := time.Now().Add(-24 * time.Hour)
	i := docker.Instance{Container: aweigh.Container{ID: "web", Status: "running", Created: yesterday.Add(-time.Hour), Started: yesterday, Finished: yesterday.Add(-time.Second)}}
	if o := v.printed(t.Context(), i); o.why != "" || !o.hasLine {
		t.Errorf("the line is there: %t; %s", o.hasLine, o.why)
	}
}
