package verify

import (
	"testing"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/record"
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
