package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/core"
	"github.com/aweigh/aweigh/internal/record"
	"github.com/aweigh/aweigh/internal/store"
)

// A start whose record is gone (retention), or that never had one (its container
// could not be started), is in the store alone. starts listed it, show said that
// there was none, and show and logs of its service told of an older one.
func TestAStartWithoutARecordIsShownAndNoOlderOneInItsPlace(t *testing.T) {
	dir := t.TempDir()
	st, err := store.Open(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC()
	took := int64(7)
	older := aweigh.Start{ID: aweigh.NewID(now.Add(-time.Hour)), Service: "web", Began: now.Add(-time.Hour), Verdict: aweigh.Ready, TookMS: &took}
	newer := aweigh.Start{ID: aweigh.NewID(now), Service: "web", Began: now, Verdict: aweigh.Refused, TookMS: &took, Reason: "the engine could not start it"}
	if err := st.Commit(context.Background(), store.Batch{Changes: []core.Changes{{Starts: []aweigh.Start{older, newer}}}}); err != nil {
		t.Fatal(err)
	}
	st.Close()
	r := record.Begin(dir, record.Event{Service: "web", Start: older.ID}, older.Began, 1<<20, func(w string) { t.Error(w) })
	r.Output(record.Stdout, []byte("the older one\n"))
	r.Close(5 * time.Second)

	run := func(args ...string) (string, bool) {
		cmd := exec.Command("aweigh", append(args, "--state", dir)...)
		cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "TZ=UTC")
		out, err := cmd.CombinedOutput()
		return string(out), err == nil
	}
	for _, what := range []string{"web", newer.ID, strings.ToLower(newer.ID[:20])} {
		if out, ok := run("show", what); !ok || !strings.Contains(out, newer.ID+" of web") || !strings.Contains(out, "refused after 7ms") {
			t.Errorf("show %s: %s", what, out)
		}
		if out, ok := run("logs", what); ok || !strings.Contains(out, "nothing that start "+newer.ID+" printed is kept") {
			t.Errorf("logs %s: %s", what, out)
		}
	}
	if out, ok := run("show", "web", "--json"); !ok || !strings.Contains(out, `"verdict": "refused"`) {
		t.Errorf("%s", out)
	}
	if out, ok := run("logs", older.ID); !ok || out != "the older one\n" {
		t.Errorf("%s", out)
	}
	if err := os.RemoveAll(filepath.Join(dir, "web")); err != nil {
		t.Fatal(err)
	}
	if out, ok := run("show", older.ID); !ok || !strings.Contains(out, "ready after 7ms") {
		t.Errorf("%s", out)
	}
	if out, ok := run("show", "nothing"); ok || !strings.Contains(out, `no start and no service "nothing"`) {
		t.Errorf("%s", out)
	}
}

// A record that lies in a container's volume is not said to be gone where it is only
// out of reach.
func TestARecordThatIsOutOfReachIsNamed(t *testing.T) {
	dir := t.TempDir()
	st, err := store.Open(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC()
	one := aweigh.Start{ID: aweigh.NewID(now), Service: "web", Began: now, Verdict: aweigh.Ready}
	one.Record = filepath.Join(dir, "nowhere", "web", one.ID)
	if err := st.Commit(context.Background(), store.Batch{Changes: []core.Changes{{Starts: []aweigh.Start{one}}}}); err != nil {
		t.Fatal(err)
	}
	st.Close()
	cmd := exec.Command("aweigh", "logs", "web", "--state", dir)
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir())
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "the record of start "+one.ID+" is "+one.Record+", which cannot be read") {
		t.Errorf("%s", out)
	}
}
