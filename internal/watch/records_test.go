package watch

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/core"
	"github.com/aweigh/aweigh/internal/docker"
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

// On a full disk a record has a directory and a lock, and its first event once there is
// room: a service that was started meanwhile was never watched.
func TestARecordThatTheDiskDoesNotTakeYetIsWaitedFor(t *testing.T) {
	path := t.TempDir()
	id := aweigh.NewID(time.Now())
	if err := os.MkdirAll(filepath.Join(path, "web", id), 0o755); err != nil {
		t.Fatal(err)
	}
	events, err := os.Create(filepath.Join(path, "web", id, "events.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer events.Close()
	if err := syscall.Flock(int(events.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	dir, err := record.OpenToRead(path)
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	r, err := dir.Find(id)
	if err != nil {
		t.Fatal(err)
	}
	var told []aweigh.Fact
	s := &shelf{dir: dir, tell: func(f aweigh.Fact) { told = append(told, f) }, known: map[string]bool{id: true},
		begun: map[*record.Record]time.Time{r: time.Now().Add(-2 * beginWithin)}, live: map[string]*reader{}}
	s.look()
	if _, err := events.WriteString(`{"time":"` + time.Now().UTC().Format(time.RFC3339Nano) + `","event":"start.begin","service":"web","start":"` + id + `"}` + "\n"); err != nil {
		t.Fatal(err)
	}
	s.look()
	if len(told) != 1 || told[0].Kind != aweigh.FactStarted {
		t.Errorf("told: %+v", told)
	}
	events.Close()
	s.begun[r] = time.Now().Add(-2 * beginWithin)
	if s.look(); len(s.begun) != 0 {
		t.Error("one that nobody writes is waited for")
	}
}

// A watcher that was restarted asked the engine for the output of a service that is no
// container, and wrote into the record that the supervisor keeps.
func TestWatcherThatIsRestartedLeavesRecordsOfRunToTheirSupervisor(t *testing.T) {
	d, err := docker.Open("unix://" + filepath.Join(t.TempDir(), "d.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	w := &watcher{Config: Config{Engine: d}, state: core.New("aws-1", func(string, map[string]string) core.Settings { return core.Defaults() }),
		evidence: &evidence{engine: d, dir: t.TempDir(), tapes: map[string][]*tape{}, warned: map[string]bool{}, log: slog.New(slog.DiscardHandler)}}
	id := aweigh.NewID(time.Now())
	w.state.Apply(aweigh.Fact{Kind: aweigh.FactStarted, At: time.Now(), Instance: id, Container: &aweigh.Container{ID: id, Name: "web", Service: "web", Status: "running"}})
	w.resume(t.Context())
	if n := len(w.evidence.tapes); n > 0 {
		t.Errorf("the output of %d services is asked for", n)
	}
}

// The supervisor's own sentence was quoted as the last words of the service, which are
// quoted in it: "its last words: exited with 3 …; its last words: …".
func TestLastWordsOfARunAreThoseOfTheService(t *testing.T) {
	e := record.Event{Event: record.StartFailed, Verdict: aweigh.Crashed, Reason: "sh exited with status 3; its last words: FATAL: no table", Exit: &aweigh.Exit{Code: 3}, LastLog: []string{"hello", "FATAL: no table"}}
	facts := factsOf(&record.Record{Name: "web/01J"}, e, record.Event{})
	if len(facts) != 1 || facts[0].Kind != aweigh.FactDied || facts[0].Reason != "FATAL: no table" {
		t.Errorf("told %+v", facts)
	}
}
