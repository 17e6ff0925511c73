package record

import (
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/aweigh/aweigh"
)

func opened(t testing.TB) *Dir {
	t.Helper()
	d, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// On a full disk the entry that names a new segment was lost, and the segment
// with it: what came into it once there was room again was shown to nobody.
func TestWhatTheIndexCouldNotTakeComesLater(t *testing.T) {
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	o := output{dir: root, head: 1, tail: 1 << 20}
	mark := func(at int) []mark { return []mark{{at: at, time: time.Now()}} }
	o.write([]byte("head\n"), mark(0))
	index := o.index
	if o.index, err = os.OpenFile("/dev/full", os.O_WRONLY, 0); err != nil {
		t.Skip(err)
	}
	o.write([]byte("while it was full\n"), mark(0)) // of which this disk refuses the index alone
	o.index.Close()
	o.index = index
	o.at = time.Time{} // a mark is due
	o.write([]byte("after\n"), mark(0))
	b, _ := os.ReadFile(dir + "/output.idx")
	if !strings.Contains(string(b), `"file":"output-1.log"`) || strings.Count(string(b), "\n") != 3 {
		t.Errorf("the index is\n%s", b)
	}
}

// What came while the disk was stalled was told with the next output, and never
// when there was none.
func TestWhatWasLostLastIsTold(t *testing.T) {
	d := opened(t)
	now := time.Now()
	r := Begin(d.Path(), Event{Service: "web", Start: aweigh.NewID(now)}, now, 1<<20, nil)
	r.mu.Lock()
	r.lost = 7
	r.mu.Unlock()
	r.Close(10 * time.Second)
	found, err := d.Find("web")
	if err != nil {
		t.Fatal(err)
	}
	events, _ := found.Events()
	if last := events[len(events)-1]; last.Event != Gap || last.Lost != 7 || last.Reason == "" {
		t.Errorf("the last event is %+v", last)
	}
}

// Whoever reads a record takes its lock for a moment. A recorder that came just
// then went on without, and the next start closed its record as left open.
func TestAReaderDoesNotTakeTheLockFromTheRecorder(t *testing.T) {
	d := opened(t)
	now := time.Now()
	begin := Event{Service: "web", Start: aweigh.NewID(now)}
	Begin(d.Path(), begin, now, 1<<20, nil).Close(10 * time.Second)
	r := d.record(begin.Service, begin.Start)
	f, err := r.open("events.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	syscall.Flock(int(f.Fd()), syscall.LOCK_SH)
	time.AfterFunc(20*time.Millisecond, func() { f.Close() }) // the reader's moment
	again := Resume(d.Path(), begin, now, 1<<20, nil)
	defer again.Close(10 * time.Second)
	again.Dir()
	if !r.Live() {
		t.Error("it writes without its lock")
	}
}

// A watcher that was killed, or met a full disk, in the middle of an event of a
// service that prints nothing: the first event of the next one was lost with it.
func TestATornEventDoesNotSwallowTheFirstOfTheNextRecorder(t *testing.T) {
	d := opened(t)
	now := time.Now()
	begin := Event{Service: "web", Start: aweigh.NewID(now)}
	Begin(d.Path(), begin, now, 1<<20, nil).Close(10 * time.Second)
	r := d.record(begin.Service, begin.Start)
	f, err := d.root.OpenFile(r.Name+"/events.jsonl", os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString(`{"event":"start.ph`)
	f.Close()
	again := Resume(d.Path(), begin, now, 1<<20, nil)
	again.Event(Event{Event: StartReady})
	again.Close(10 * time.Second)
	if s := r.Start(); s.Verdict != aweigh.Ready {
		t.Errorf("the verdict is %q", s.Verdict)
	}
}

// A watcher that was killed when it had made the directory alone left a record that
// could not be gone on with: the next one kept nothing of that life.
func TestARecordOfWhichThereIsOnlyTheDirectoryIsBegun(t *testing.T) {
	d := opened(t)
	now := time.Now()
	begin := Event{Service: "web", Start: aweigh.NewID(now)}
	r := d.record(begin.Service, begin.Start)
	if err := d.root.MkdirAll(r.Name, 0o750); err != nil {
		t.Fatal(err)
	}
	rec := Resume(d.Path(), begin, now, 1<<20, func(text string) { t.Error(text) })
	rec.Output(Stdout, []byte("hello\n"))
	rec.Close(10 * time.Second)
	if got := r.Tail(9); !slices.Equal(got, []string{"hello"}) {
		t.Errorf("the output is %q", got)
	}
	if events, _ := r.Events(); len(events) != 1 || events[0].Event != StartBegin {
		t.Errorf("the events are %+v", events)
	}
}

// Of what a full disk refuses a MiB is kept. When it was more all of it went, and with
// it the rest of the event that the disk had taken half of: the next one, the verdict
// say, was joined to that and lost.
func TestTheEndIsReadBehindMoreThanAFullDiskLetsUsKeep(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	r := &Recorder{events: full, warned: map[string]bool{}}
	for range 127 {
		r.writeEvents(jsonLine(Event{Event: RunUnhealthy, LastLog: []string{strings.Repeat("x", 8<<10)}}))
	}
	if len(r.unwritten) > 1<<20 {
		t.Errorf("%d bytes are kept", len(r.unwritten))
	}
	if r.events, err = os.Create(t.TempDir() + "/events.jsonl"); err != nil {
		t.Fatal(err)
	}
	defer r.events.Close()
	r.events.WriteString(`{"event":"run.unh`) // what there had been room for
	r.writeEvents(jsonLine(Event{Event: RunExit}))
	r.events.Seek(0, 0)
	events, damaged := readEvents(r.events)
	if n := len(events); n < 50 || events[n-1].Event != RunExit || damaged != 1 {
		t.Errorf("%d events, %d damaged", n, damaged)
	}
}

// A segment whose name did not come into the index any more, for the watcher was
// killed, kept all of the output from the record that the next one went on with.
func TestASegmentThatIsThereAlreadyDoesNotEndTheRecording(t *testing.T) {
	d := opened(t)
	now := time.Now()
	begin := Event{Service: "web", Start: aweigh.NewID(now)}
	first := Begin(d.Path(), begin, now, 1<<20, nil)
	first.Output(Stdout, []byte("before\n"))
	first.Close(10 * time.Second)
	r := d.record(begin.Service, begin.Start)
	if err := d.root.WriteFile(r.Name+"/output-1.log", []byte("?\n"), 0o640); err != nil {
		t.Fatal(err)
	}
	again := Resume(d.Path(), begin, now, 1<<20, nil)
	again.Output(Stdout, []byte("after\n"))
	again.Close(10 * time.Second)
	if got := r.Tail(9); !slices.Equal(got, []string{"before", "after"}) {
		t.Errorf("the output is %q", got)
	}
}

// Each recorder that goes on with a record begins a segment, and of those the last
// two stayed: a watcher that was restarted three times, or updated, lost what had
// come in between, of a service that prints a line a day.
func TestWatchersThatComeAndGoLoseNoOutput(t *testing.T) {
	d := opened(t)
	now := time.Now()
	begin := Event{Service: "web", Start: aweigh.NewID(now)}
	var want []string
	for _, line := range []string{"1", "2", "3", "4", "5"} {
		rec := Resume(d.Path(), begin, now, 1<<20, nil)
		rec.Output(Stdout, []byte(line+"\n"))
		rec.Close(10 * time.Second)
		want = append(want, line)
	}
	if got := d.record(begin.Service, begin.Start).Tail(9); !slices.Equal(got, want) {
		t.Errorf("the output is %q, want %q", got, want)
	}
}

// And yet the record keeps to its bound.
func TestWatchersThatComeAndGoKeepTheBoundOfARecord(t *testing.T) {
	d := opened(t)
	now := time.Now()
	begin := Event{Service: "web", Start: aweigh.NewID(now)}
	for range 20 { // 10 MiB, the bound of which is 2 MiB at the beginning and 3 at the end
		rec := Resume(d.Path(), begin, now, 4<<20, nil)
		rec.Output(Stdout, make([]byte, 512<<10))
		rec.Close(10 * time.Second)
	}
	if size := d.record(begin.Service, begin.Start).Size(); size > 5<<20 {
		t.Errorf("%d bytes are kept", size)
	}
}

// The verdict's sync was put off by half a minute when another was under way.
func TestAVerdictIsSyncedAfterTheSyncUnderWay(t *testing.T) {
	r := &Recorder{verdict: true}
	if got := r.nextSync(syncServing); got > syncComingUp {
		t.Errorf("the next sync is in %s", got)
	}
	r.verdict = false
	if got := r.nextSync(syncServing); got != syncServing {
		t.Errorf("the next sync is in %s", got)
	}
}

// In a sandbox without flock each start closed its own record after a second, as
// left open: its verdict was "unknown".
func TestWithoutLocksARecordIsNotClosedByOthers(t *testing.T) {
	d := opened(t)
	now := time.Now()
	begin := Event{Service: "web", Start: aweigh.NewID(now)}
	r := Begin(d.Path(), begin, now, 1<<20, nil)
	defer r.Close(10 * time.Second)
	r.Dir()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		if events, _ := d.record(begin.Service, begin.Start).Events(); len(events) > 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatal("no event is written")
		}
	}
	tidied := make(chan error)
	go func() {
		runtime.LockOSThread() // for good: the thread ends with the goroutine
		if err := forbid(syscall.SYS_FLOCK); err != nil {
			tidied <- err
			return
		}
		_, err := d.Tidy(begin.Service, Limits{}, now)
		tidied <- err
	}()
	if err := <-tidied; err != nil {
		t.Fatal(err)
	}
	events, _ := d.record(begin.Service, begin.Start).Events()
	for _, e := range events {
		if e.Event == Closed {
			t.Error("it is closed while it is written")
		}
	}
}

// forbid makes a system call fail with EPERM in this thread (seccomp(2)).
func forbid(number uint32) error {
	const (
		load, ifEqual, answer  = 0x20, 0x15, 0x06
		failEPERM, allow       = 0x00050001, 0x7fff0000
		noNewPrivs, setSeccomp = 38, 22
		filterMode             = 2
	)
	filter := []syscall.SockFilter{{Code: load}, {Code: ifEqual, Jf: 1, K: number}, {Code: answer, K: failEPERM}, {Code: answer, K: allow}}
	program := syscall.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if _, _, errno := syscall.RawSyscall6(syscall.SYS_PRCTL, noNewPrivs, 1, 0, 0, 0, 0); errno != 0 {
		return errno
	}
	if _, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, setSeccomp, filterMode, uintptr(unsafe.Pointer(&program))); errno != 0 {
		return errno
	}
	return nil
}
