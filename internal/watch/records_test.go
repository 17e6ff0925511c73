package watch

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/record"
)

// shelved runs watchRecords, and returns the facts that it tells.
func shelved(t *testing.T, dir string) <-chan aweigh.Fact {
	ctx, cancel := context.WithCancel(t.Context())
	facts := make(chan aweigh.Fact, 100)
	var running sync.WaitGroup
	running.Go(func() { watchRecords(ctx, dir, time.Now(), func(f aweigh.Fact) { facts <- f }) })
	t.Cleanup(func() { cancel(); running.Wait() })
	return facts
}

func await(t *testing.T, facts <-chan aweigh.Fact, kind aweigh.FactKind, service string) {
	t.Helper()
	select {
	case f := <-facts:
		if f.Kind != kind || f.Container != nil && f.Container.Service != service {
			t.Fatalf("came %s %+v, not %s of %s", f.Kind, f.Container, kind, service)
		}
	case <-time.After(10 * time.Second):
		t.Fatalf("no fact %s of %s came", kind, service)
	}
}

func begin(dir, service string) *record.Recorder {
	now := time.Now()
	return record.Begin(dir, record.Event{Service: service, Start: aweigh.NewID(now), Time: now}, now, 1<<20, func(string) {})
}

func TestRecordsOfRunAreNoticedWhereverTheyAppear(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "records") // comes to be later
	facts := shelved(t, dir)
	web := begin(dir, "web") // a new service in a new directory
	await(t, facts, aweigh.FactStarted, "web")
	web.Event(record.Event{Event: record.StartReady})
	await(t, facts, aweigh.FactSaid, "web")
	again := begin(dir, "web") // a new start in a directory that is known
	await(t, facts, aweigh.FactStarted, "web")
	job := begin(dir, "job") // another service
	await(t, facts, aweigh.FactStarted, "job")
	for _, r := range []*record.Recorder{web, again, job} {
		r.Close(time.Second)
		await(t, facts, aweigh.FactRemoved, "")
	}
}

// Between the directory of a record and its first event there is a moment. A
// look that fell into it never saw that record.
func TestARecordThatIsJustBeingBegunIsLookedAtAgain(t *testing.T) {
	dir := t.TempDir()
	facts := shelved(t, dir)
	id := aweigh.NewID(time.Now())
	if err := os.MkdirAll(filepath.Join(dir, "web", id), 0o755); err != nil {
		t.Fatal(err)
	}
	time.Sleep(3 * recordsEvery / 2) // until it has been looked at
	event := `{"time":"` + time.Now().UTC().Format(time.RFC3339Nano) + `","event":"start.begin","service":"web","start":"` + id + `"}` + "\n"
	if err := os.WriteFile(filepath.Join(dir, "web", id, "events.jsonl"), []byte(event), 0o644); err != nil {
		t.Fatal(err)
	}
	await(t, facts, aweigh.FactStarted, "web")
}
