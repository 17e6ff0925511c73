package record

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aweigh/aweigh"
)

var t0 = time.Date(2026, 11, 23, 3, 12, 7, 0, time.UTC)

func open(t testing.TB) *Dir {
	t.Helper()
	d := opened(t)
	t.Cleanup(func() { d.Close() })
	return d
}

func create1(t testing.TB, d *Dir, at time.Time, keepBytes int64) *Recorder {
	t.Helper()
	r := Begin(d.Path(), Event{Service: "webhook", Start: aweigh.NewID(at), Time: at}, at, keepBytes, func(w string) { t.Error(w) })
	if r.Dir() == nil {
		t.Fatal("no record")
	}
	return r
}

// written makes a finished record of the events and returns it.
func written(t testing.TB, d *Dir, at time.Time, output string, events ...Event) *Record {
	t.Helper()
	r := create1(t, d, at, 1<<20)
	r.Output(Stdout, []byte(output))
	for _, e := range events {
		e.Time = at.Add(time.Duration(e.ElapsedMS) * time.Millisecond)
		r.Event(e)
	}
	r.Close(5 * time.Second)
	rec, err := d.Find(filepath.Base(r.Name()))
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

func ready(ms int64) Event { return Event{Event: StartReady, ElapsedMS: ms} }
func crashed(code int) Event {
	return Event{Event: StartFailed, Verdict: aweigh.Crashed, ElapsedMS: 9, Exit: &aweigh.Exit{Code: code}}
}
func exited(end aweigh.RunEnd, ms int64) Event {
	return Event{Event: RunExit, End: end, ElapsedMS: ms, Exit: &aweigh.Exit{}}
}

func TestOutputIsKeptByteForByteAcrossStreamsAndBatches(t *testing.T) {
	d := open(t)
	r := create1(t, d, t0, 64<<20)
	var want bytes.Buffer
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 401 { // the last one is stdout
		chunk := make([]byte, random.IntN(40_000))
		for j := range chunk {
			chunk[j] = byte(random.Uint32())
		}
		r.Output(Stream(i%2), chunk)
		want.Write(chunk)
	}
	r.Output(Stderr, []byte("panic: no newline at the end"))
	want.WriteString("panic: no newline at the end")
	r.Close(5 * time.Second)

	rec, err := d.Find("webhook")
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if _, err := rec.CopyOutput(&got, 0, -1); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want.Bytes()) {
		t.Errorf("%d bytes came back of %d, or others", got.Len(), want.Len())
	}
	index := rec.Index()
	if last := index[len(index)-1]; last.Stream != "stderr" || last.Offset != int64(want.Len()-28) {
		t.Errorf("the last entry of the index is %+v", last)
	}
}

func TestTheBeginningOfALongOutputIsKeptAndItsEnd(t *testing.T) {
	d := open(t)
	r := create1(t, d, t0, 8<<20) // 4 MiB at the head, segments of 1 MiB
	line := func(i int) string { return fmt.Sprintf("line %09d of what the service printed\n", i) }
	const lines = 1_000_000 // 46 MB
	for i := 0; i < lines; i += 1000 {
		var b strings.Builder
		for j := i; j < i+1000; j++ {
			b.WriteString(line(j))
		}
		r.Output(Stdout, []byte(b.String()))
	}
	r.Close(5 * time.Second)
	rec, _ := d.Find("webhook")
	if size := rec.Size(); size > 10<<20 {
		t.Errorf("%d bytes on the disk, bound 8 MiB and a little", size)
	}
	var kept strings.Builder
	rec.CopyOutput(&kept, 0, -1)
	if !strings.HasPrefix(kept.String(), line(0)+line(1)) {
		t.Error("the first lines are gone")
	}
	if !strings.HasSuffix(kept.String(), line(lines-2)+line(lines-1)) {
		t.Error("the last lines are gone")
	}
	if got, want := rec.OutputSize(), int64(lines*len(line(0))); got != want {
		t.Errorf("the output is said to have %d bytes, it had %d", got, want)
	}
}

func TestFoldTellsTheStart(t *testing.T) {
	s := Fold([]Event{
		{Event: StartBegin, Start: "X", Service: "webhook", Time: t0},
		{Event: StartPhase, Phase: "exec"},
		{Event: StartPhase, Phase: "listen", ElapsedMS: 3},
		{Event: StartPhase, Phase: "database", ElapsedMS: 20},
		{Event: StartPhase, Phase: "verify", ElapsedMS: 320},
		{Event: StartReady, ElapsedMS: 325, Probe: &aweigh.Probe{Target: "tcp://127.0.0.1:1", Attempts: 2}},
		{Event: "something.new", ElapsedMS: 400},
		{Event: RunExit, ElapsedMS: 1325, End: aweigh.RunCrashed, Exit: &aweigh.Exit{Code: 139, Signal: "SIGSEGV"}, Time: t0},
	})
	want := []aweigh.Phase{{Name: "exec", MS: 20}, {Name: "database", MS: 300}, {Name: "verify", MS: 5}}
	if !slices.Equal(s.Phases, want) {
		t.Errorf("phases %+v, want %+v", s.Phases, want)
	}
	if s.Verdict != aweigh.Ready || *s.TookMS != 325 || s.Run.ServedMS != 1000 || s.Run.End != aweigh.RunCrashed || s.Exit.Code != 139 {
		b, _ := json.Marshal(s)
		t.Errorf("%s", b)
	}
}

func TestAFailedStartKeepsTheOpenPhase(t *testing.T) {
	s := Fold([]Event{
		{Event: StartBegin, Time: t0}, {Event: StartPhase, Phase: "exec"},
		{Event: StartPhase, Phase: "listen", ElapsedMS: 3},
		{Event: StartFailed, Verdict: aweigh.TimedOut, ElapsedMS: 1003},
	})
	want := []aweigh.Phase{{Name: "exec", MS: 3}, {Name: "listen", MS: 1000, Open: true}}
	if !slices.Equal(s.Phases, want) {
		t.Errorf("phases %+v, want %+v", s.Phases, want)
	}
}

func TestARecordLeftOpenIsClosedByTheNextStart(t *testing.T) {
	d := open(t)
	rec := written(t, d, t0, "hello")
	if s := rec.Start(); s.Verdict != aweigh.Unknown || s.TookMS != nil {
		t.Errorf("before: %+v", s)
	}
	starts, err := d.Tidy("webhook", Limits{}, t0)
	if err != nil {
		t.Fatal(err)
	}
	if want := rec.Start(); len(starts) != 1 || !reflect.DeepEqual(starts[0], want) {
		t.Errorf("tidied: %+v, read: %+v", starts, want)
	}
	events, damaged := rec.Events()
	if last := events[len(events)-1]; last.Event != Closed || damaged != 0 {
		t.Errorf("the last event is %+v, %d damaged", last, damaged)
	}
	again, _ := rec.Events()
	d.Tidy("webhook", Limits{}, t0)
	if now, _ := rec.Events(); len(now) != len(again) {
		t.Error("it was closed twice")
	}
}

func TestARecordBeingWrittenIsNeitherClosedNorRemoved(t *testing.T) {
	d := open(t)
	r := create1(t, d, t0, 1<<20)
	written(t, d, t0.Add(time.Second), "x", ready(5), exited(aweigh.RunStopped, 10))
	starts, err := d.Tidy("webhook", Limits{Count: 1, Bytes: 1}, t0)
	if err != nil {
		t.Fatal(err)
	}
	if len(starts) != 2 || starts[0].Verdict != "" || starts[1].Verdict != aweigh.Ready {
		t.Errorf("tidied: %+v", starts)
	}
	records, _ := d.Records("webhook")
	if len(records) != 1 || records[0].Name != r.Name() || !records[0].Live() {
		t.Errorf("left: %v", records)
	}
	if s := records[0].Start(); s.Verdict != "" {
		t.Errorf("a start under way has the verdict %q", s.Verdict)
	}
	r.Close(time.Second)
}

func TestRetentionKeepsTheLastGoodStartAndTheFirstFailureOfTheLoop(t *testing.T) {
	d := open(t)
	at := t0
	add := func(events ...Event) *Record {
		at = at.Add(time.Second)
		return written(t, d, at, "x", events...)
	}
	add(ready(5), exited(aweigh.RunStopped, 3_600_000))
	good := add(ready(5), exited(aweigh.RunStopped, 3_600_000))
	first := add(crashed(1))
	var last *Record
	for range 10 {
		last = add(crashed(1))
	}
	if _, err := d.Tidy("webhook", Limits{Count: 3}, at); err != nil {
		t.Fatal(err)
	}
	records, _ := d.Records("webhook")
	var names []string
	for _, r := range records {
		names = append(names, r.Name)
	}
	if want := []string{good.Name, first.Name, last.Name}; !slices.Equal(names, want) {
		t.Errorf("kept %v, want %v", names, want)
	}
}

// The record of a service that had served for longer than records are kept went
// with the first start that was good after its crash.
func TestARecordIsAsOldAsItsLastEvent(t *testing.T) {
	d := open(t)
	const day = 24 * time.Hour
	now := t0.Add(100 * day)
	written(t, d, t0, "x", ready(5), exited(aweigh.RunStopped, day.Milliseconds()))
	crash := written(t, d, t0.Add(time.Minute), "x", ready(5), exited(aweigh.RunCrashed, (99*day).Milliseconds()))
	again := written(t, d, now.Add(-time.Hour), "x", ready(5), exited(aweigh.RunStopped, 3_600_000))
	if _, err := d.Tidy("webhook", Limits{Age: 90 * day}, now); err != nil {
		t.Fatal(err)
	}
	records, _ := d.Records("webhook")
	var names []string
	for _, r := range records {
		names = append(names, r.Name)
	}
	if want := []string{crash.Name, again.Name}; !slices.Equal(names, want) {
		t.Errorf("kept %v, want %v", names, want)
	}
}

// The last good start and the first failure of a service stayed for ever, and so did
// its directory: on a host with a new service for each branch the share of those that
// live became smaller and smaller.
func TestOfAServiceThatIsGoneNothingStays(t *testing.T) {
	d := open(t)
	const day = 24 * time.Hour
	now := t0.Add(100 * day)
	written(t, d, t0, "x", ready(5), exited(aweigh.RunStopped, 9))
	written(t, d, t0.Add(time.Minute), "x", crashed(1))
	if _, err := d.Tidy("webhook", Limits{Age: 101 * day}, now); err != nil {
		t.Fatal(err)
	}
	if records, _ := d.Records("webhook"); len(records) != 2 {
		t.Fatalf("%d records are left before it is too old", len(records))
	}
	fails := written(t, d, now.Add(-time.Hour), "x", crashed(1))
	if _, err := d.Tidy("webhook", Limits{Age: 90 * day}, now); err != nil {
		t.Fatal(err)
	}
	if records, _ := d.Records("webhook"); len(records) != 3 {
		t.Errorf("of a service that fails now %d records are left, want its last good start and its loop", len(records))
	}
	if _, err := d.Tidy("webhook", Limits{Age: 90 * day}, now.Add(91*day)); err != nil {
		t.Fatal(err)
	}
	if services, _ := d.Services(); len(services) != 0 {
		t.Errorf("the services are %v", services)
	}
	if again := written(t, d, now.Add(100*day), "x", crashed(1)); again.Service() != fails.Service() {
		t.Error(again.Name)
	}
}

func TestAFailureKnowsItsRowByOneRecord(t *testing.T) {
	d := open(t)
	later := aweigh.NewID(t0.Add(time.Minute))
	written(t, d, t0, "", ready(4000), exited(aweigh.RunStopped, 9_000_000))
	if p := d.Past("webhook", later); p.Failures != 0 {
		t.Errorf("after a good start: %+v", p)
	}
	written(t, d, t0.Add(1*time.Second), "", ready(6000), exited(aweigh.RunCrashed, 9000))
	third := crashed(1)
	third.InARow, third.Row = 3, map[string]int{"exit 0": 1, "exit 1": 2}
	written(t, d, t0.Add(2*time.Second), "", third)
	written(t, d, t0.Add(3*time.Second), "") // killed: it neither adds nor breaks
	p := d.Past("webhook", later)
	if p.Failures != 3 || p.String() != "1 × exit 0, 2 × exit 1" {
		t.Errorf("%d: %s", p.Failures, p)
	}
	if got := (Past{Tally: p.With(aweigh.Start{Verdict: aweigh.TimedOut})}).String(); got != "1 × exit 0, 2 × exit 1, 1 × timed-out" {
		t.Errorf("one more: %s", got)
	}
	starts, err := d.Tidy("webhook", Limits{}, t0)
	if usual := Usual(starts); err != nil || usual != 6*time.Second {
		t.Errorf("usually %s", usual)
	}
}

// With --notify the last event of a failure is that its verdict was sent: the tally
// of the row began anew with each start.
func TestARowIsToldAlsoWhenSomethingCameAfterTheFailure(t *testing.T) {
	d := open(t)
	third := crashed(1)
	third.InARow, third.Row = 3, map[string]int{"exit 0": 1, "exit 1": 2}
	written(t, d, t0, "", third, Event{Event: "notify.sent", Reason: "https://chat.example.com"})
	p := d.Past("webhook", aweigh.NewID(t0.Add(time.Minute)))
	if p.Failures != 3 || p.String() != "1 × exit 0, 2 × exit 1" {
		t.Errorf("%d: %s", p.Failures, p)
	}
}

func TestNothingOutsideTheDirectoryIsTouchedThroughSymbolicLinks(t *testing.T) {
	outside := t.TempDir()
	precious := filepath.Join(outside, aweigh.NewID(t0), "events.jsonl")
	os.MkdirAll(filepath.Dir(precious), 0o755)
	os.WriteFile(precious, []byte("precious\n"), 0o644)
	d := open(t)
	if err := os.Symlink(outside, filepath.Join(d.Path(), "webhook")); err != nil {
		t.Fatal(err)
	}
	warned := make(chan string, 1)
	r := Begin(d.Path(), Event{Service: "webhook", Start: aweigh.NewID(t0.Add(1))}, t0, 1, func(w string) { warned <- w })
	if r.Dir() != nil {
		t.Error("a record was created through a symbolic link")
	}
	if w := <-warned; !strings.Contains(w, "no record") {
		t.Error(w)
	}
	r.Output(Stdout, make([]byte, 2*batchBytes)) // goes nowhere, and holds nobody up
	r.Output(Stdout, make([]byte, 2*batchBytes))
	r.Close(5 * time.Second)
	d.Tidy("webhook", Limits{Count: 1, Bytes: 1, Age: 1}, t0.Add(time.Hour))
	if b, _ := os.ReadFile(precious); string(b) != "precious\n" {
		t.Errorf("outside now holds %q", b)
	}
	if entries, _ := os.ReadDir(outside); len(entries) != 1 {
		t.Errorf("outside now holds %d entries", len(entries))
	}
}

func TestDamagedRecordsAreReadAsFarAsTheyGo(t *testing.T) {
	d := open(t)
	rec := written(t, d, t0, "some output", ready(7))
	path := filepath.Join(d.Path(), rec.Name, "events.jsonl")
	whole, _ := os.ReadFile(path)
	for cut := range whole {
		os.WriteFile(path, whole[:cut], 0o644)
		s := rec.Start()
		if s.ID != rec.ID() || s.Service != "webhook" {
			t.Fatalf("cut at %d: %+v", cut, s)
		}
	}
	os.WriteFile(path, append(bytes.Repeat([]byte{0}, 4096), whole...), 0o644)
	if s := rec.Start(); s.Verdict != aweigh.Ready {
		t.Errorf("after a block of zeros: %+v", s)
	}
}

func TestPrintableLetsNoEscapeSequenceThrough(t *testing.T) {
	for in, want := range map[string]string{
		"plain é 漢\tx":           "plain é 漢\tx",
		"\x1b[31mred\x07":        `\x1b[31mred\a`,
		"a\rtime=now level=INFO": `a\rtime=now level=INFO`,
		"bad \xff byte":          "bad \uFFFD byte",
	} {
		if got := Printable(in); got != want {
			t.Errorf("Printable(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzReadEvents(f *testing.F) {
	f.Add([]byte(`{"time":"2026-11-23T03:12:07Z","event":"start.begin","start":"X"}` + "\n" + `{"event":"start.failed","verdict":"crashed"}` + "\n{\"ev"))
	f.Add([]byte("\x00\x00\x00\n{}\nnull\n[]"))
	f.Fuzz(func(t *testing.T, b []byte) {
		events, damaged := readEvents(bytes.NewReader(b))
		if lines := bytes.Count(b, []byte("\n")) + 1; len(events)+damaged > lines {
			t.Errorf("%d events and %d damaged in %d lines", len(events), damaged, lines)
		}
		s := Fold(events)
		if s.Run != nil && s.Verdict != aweigh.Ready {
			t.Errorf("a run after the verdict %q", s.Verdict)
		}
		for _, p := range s.Phases[:max(0, len(s.Phases)-1)] {
			if p.Open {
				t.Errorf("an open phase before the last: %+v", s.Phases)
			}
		}
	})
}

func BenchmarkOutput(b *testing.B) {
	d := open(b)
	r := create1(b, d, time.Now(), 1<<30)
	chunk := bytes.Repeat([]byte(strings.Repeat("x", 99)+"\n"), 2600)
	b.SetBytes(int64(len(chunk)))
	for b.Loop() {
		r.Output(Stdout, chunk)
	}
	r.Close(time.Minute)
}

// chattr +i is what a disk in trouble and a stranger's mount amount to.
func TestARecordThatCannotGoKeepsNoneOfTheOthers(t *testing.T) {
	d := open(t)
	for n := range 4 {
		written(t, d, t0.Add(time.Duration(n)*time.Minute), "x\n", ready(5), exited(aweigh.RunStopped, 9))
	}
	all, err := d.Records("webhook")
	if err != nil {
		t.Fatal(err)
	}
	oldest := filepath.Join(d.Path(), all[0].Name)
	if out, err := exec.Command("chattr", "+i", oldest).CombinedOutput(); err != nil {
		t.Skipf("nothing can be made immutable here: %s", out)
	}
	defer exec.Command("chattr", "-i", oldest).Run()
	if _, err := d.Tidy("webhook", Limits{Count: 2}, t0); err == nil {
		t.Error("nobody is told of it")
	}
	if left, _ := d.Records("webhook"); len(left) != 3 {
		t.Errorf("%d records are left, want the one that cannot go and two", len(left))
	}
}

// A watcher's state directory is a record directory, and has the journals of
// deployments in it, by ids of the same form. They were listed as unknown starts of
// a service "deployments", stopped who may not read them from listing any, and the
// watcher's retention removed the oldest, and with it the way back.
func TestJournalsOfDeploymentsAreNoRecords(t *testing.T) {
	d := open(t)
	written(t, d, t0, "hello\n", ready(5))
	for _, of := range []string{"deployments", "resolutions"} {
		for n := range 3 {
			dir := filepath.Join(d.Path(), of, aweigh.NewID(t0.Add(time.Duration(n)*time.Second)))
			if err := os.MkdirAll(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "journal.jsonl"), []byte("{}\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	services, err := d.Services()
	if err != nil || !slices.Equal(services, []string{"webhook"}) {
		t.Errorf("services %q, %v", services, err)
	}
	if all, err := d.Records(""); err != nil || len(all) != 1 {
		t.Errorf("%d records, %v", len(all), err)
	}
	for _, of := range []string{"deployments", "resolutions"} {
		d.Tidy(of, Limits{Count: 1, Bytes: 1, Age: time.Hour}, t0.Add(30*24*time.Hour))
		if left, _ := filepath.Glob(filepath.Join(d.Path(), of, "*", "journal.jsonl")); len(left) != 3 {
			t.Errorf("%d of 3 journals of %s are left", len(left), of)
		}
	}
}

// Nor are the locks of routes and what drills have left: "services here" named them.
func TestOutboxAndDrillsAreNoServices(t *testing.T) {
	d := open(t)
	written(t, d, t0, "hello\n", ready(5))
	for _, name := range []string{"outbox", "drills/" + aweigh.NewID(t0) + ".disk-full"} {
		if err := os.MkdirAll(filepath.Join(d.Path(), name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if services, err := d.Services(); err != nil || !slices.Equal(services, []string{"webhook"}) {
		t.Errorf("services %q, %v", services, err)
	}
}

func TestAServiceMayBeCalledDeployments(t *testing.T) {
	d := open(t)
	r := Begin(d.Path(), Event{Service: "deployments", Start: aweigh.NewID(t0), Time: t0}, t0, 1<<20, func(w string) { t.Error(w) })
	r.Close(5 * time.Second)
	if services, err := d.Services(); err != nil || !slices.Equal(services, []string{"deployments"}) {
		t.Errorf("services %q, %v", services, err)
	}
	if _, err := d.Find("deployments"); err != nil {
		t.Error(err)
	}
}

// Records are for their owner and group: to others starts said "openat web:
// permission denied", without the directory and what to do.
func TestRecordsOfAnotherUserSaySo(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may read anything")
	}
	d := open(t)
	written(t, d, t0, "hello\n", ready(5))
	if err := os.Chmod(filepath.Join(d.Path(), "webhook"), 0); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(filepath.Join(d.Path(), "webhook"), 0o755)
	_, err := d.Records("")
	if err == nil || !strings.Contains(err.Error(), d.Path()+"/webhook: permission denied: run as the user that writes them") {
		t.Errorf("%v", err)
	}
}
