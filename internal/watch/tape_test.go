package watch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/core"
	"github.com/aweigh/aweigh/internal/docker"
	"github.com/aweigh/aweigh/internal/gather"
	"github.com/aweigh/aweigh/internal/record"
	"github.com/aweigh/aweigh/test/engine"
)

func newTape(began time.Time) *tape {
	return &tape{began: began, beside: func(do func()) { go do() }, endOf: func(context.Context) (time.Time, error) { return time.Time{}, nil }, done: make(chan struct{}), dead: make(chan struct{}), room: make(chan struct{}),
		talked: func(time.Time) {}, told: func(aweigh.Fact) {}}
}

// An engine on a busy machine gives the log of a dead container once it has
// tidied up after it. The mail does not wait for that, the record does.
func TestLastWordsAreKeptHoweverLateTheEngineGivesThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one := newTape(time.Now())
		close(one.done) // the reading that followed has ended, and had nothing
		one.open = func(ctx context.Context, _, _ time.Time, _ int) (io.ReadCloser, bool, error) {
			select {
			case <-time.After(20 * time.Second):
				return io.NopCloser(strings.NewReader("fatal: no such database\n")), false, nil
			case <-ctx.Done():
				return nil, false, ctx.Err()
			}
		}
		e := &evidence{tapes: map[string][]*tape{"4f1c": {one}}, reading: t.Context()}
		before := time.Now()
		if e.last("4f1c", before); time.Since(before) > lastWait {
			t.Errorf("the mail waited for %s", time.Since(before))
		}
		e.running.Wait()
		if lines, _ := one.lines(); len(lines) != 1 {
			t.Errorf("kept: %q", lines)
		}
	})
}

// printing is a service's output behind connections that break.
type printing struct {
	mu    sync.Mutex
	text  []byte
	times []time.Time // of each byte
}

func (p *printing) print(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.text = append(p.text, text...)
	for range text {
		p.times = append(p.times, time.Now())
	}
}

// open is a reading of it that ends at once, as one does whose engine is restarted.
func (p *printing) open(_ context.Context, since, _ time.Time, _ int) (io.ReadCloser, bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := sort.Search(len(p.times), func(n int) bool { return !p.times[n].Before(since) })
	return io.NopCloser(bytes.NewReader(bytes.Clone(p.text[n:]))), false, nil
}

// Containers go on while their engine is restarted (live-restore, Podman) or the
// connection to it breaks. Nothing of their output was kept from then on, and a service
// that talked was told as silent.
func TestOutputIsReadOnAfterItsStreamHasBroken(t *testing.T) {
	for name, first := range map[string]string{"all of it": "listening\n", "what is new": strings.Repeat("listening\n", secondReading/10+1)} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				one, p := newTape(time.Now()), &printing{}
				one.open = p.open
				one.attach(nil)
				p.print(first)
				time.Sleep(2 * time.Second)
				go one.run(t.Context(), time.Time{}, func(err error) { t.Error(err) })
				time.Sleep(time.Minute)
				p.print("fatal: no such database\n")
				time.Sleep(time.Minute)
				synctest.Wait()
				lines, _ := one.lines()
				if n := len(lines); n < 2 || lines[n-1] != "fatal: no such database" || lines[n-2] != "listening" {
					t.Errorf("kept: %q", lines)
				}
				if one.total != int64(len(p.text)) {
					t.Errorf("%d bytes are kept of %d", one.total, len(p.text))
				}
				p.print("gone\n")
				one.die(time.Now())
				synctest.Wait()
				if lines, _ := one.lines(); lines[len(lines)-1] != "gone" {
					t.Errorf("of its end is kept: %q", lines)
				}
				if !closedNow(one.done) {
					t.Error("the output of a life that is over is still asked for")
				}
			})
		})
	}
}

// The first watcher of a host read all that its containers had ever printed, which is
// gigabytes where nobody rotates the logs.
func TestOfWhatHasLongBeenRunningTheLastLinesAreRead(t *testing.T) {
	now := time.Now()
	if span := spanOf(now.Add(-72*time.Hour), time.Time{}, time.Time{}, 0); span.Tail != docker.MostLines || !span.Follow {
		t.Errorf("of three days is read: %+v", span)
	}
	if span := spanOf(now.Add(-time.Second), time.Time{}, time.Time{}, 0); span.Tail != 0 {
		t.Errorf("of what has just begun is read: %+v", span)
	}
}

// A host that is shut down stops its containers and the watcher at once: the records of
// the last deaths were left open, without the engine's word of the end.
func TestTheWatchersEndWaitsForTheRecordsOfTheLastDeaths(t *testing.T) {
	dir := t.TempDir()
	began := time.Now()
	start := aweigh.Start{ID: aweigh.NewID(began), Service: "web", Instance: "4f1c", Began: began, Verdict: aweigh.Crashed}
	e := &evidence{dir: dir, tapes: map[string][]*tape{}, died: map[string][]time.Time{}, stopReading: func() {}}
	one := e.blank("4f1c", began)
	one.start = start.ID
	one.attach(record.Resume(dir, record.Event{Service: "web", Start: start.ID}, began, recordBytes, func(text string) { t.Error(text) }))
	asked := 0
	one.state = func() []byte {
		if asked++; asked < 4 {
			return nil // the engine tidies up yet
		}
		return []byte(`{"Status":"exited"}`)
	}
	e.keepUp(t.Context(), &core.Instance{ID: "4f1c", Life: &core.Life{Start: start, Ended: began.Add(time.Second)}})
	e.close()
	if _, err := os.Stat(filepath.Join(dir, "web", start.ID, "state.json")); err != nil {
		t.Error(err)
	}
}

func TestOutputOfALifeThatEndedBehindABrokenStreamIsReadToItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, end := newTape(time.Now()), time.Now().Add(time.Minute)
		var untils []time.Time
		one.open = func(_ context.Context, _, until time.Time, _ int) (io.ReadCloser, bool, error) {
			untils = append(untils, until)
			return io.NopCloser(strings.NewReader("")), false, nil
		}
		one.endOf = func(context.Context) (time.Time, error) { return end, nil }
		one.run(t.Context(), time.Time{}, func(err error) { t.Error(err) })
		if len(untils) != 2 || !untils[0].IsZero() || !untils[1].Equal(end) {
			t.Errorf("read until %s, and its life ended at %s", untils, end)
		}
	})
}

func closedNow(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// Who stops before an engine has given the last of a dead container's output leaves the
// record of it open: "being written" for ever, with two files of this process.
func TestARecordIsClosedHoweverLateItsOutputEnds(t *testing.T) {
	dir := t.TempDir()
	began := time.Now()
	start := aweigh.Start{ID: aweigh.NewID(began), Service: "web", Began: began, Verdict: aweigh.Crashed}
	one := newTape(began)
	one.attach(record.Resume(dir, record.Event{Service: "web", Start: start.ID}, began, recordBytes, func(text string) { t.Error(text) }))
	one.write(&core.Life{Start: start, Ended: began.Add(time.Second)})
	one.take(t.Context(), true, []byte("fatal: no such database\n"))
	close(one.done)
	records, err := record.OpenToRead(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer records.Close()
	for late := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) { // it is closed beside the fold
		if r, err := records.Find(start.ID); err == nil && !r.Live() && len(r.Segments()) == 1 {
			return
		}
		if time.Now().After(late) {
			t.Fatal("the record is still open, or lacks the last words")
		}
	}
}

// Engine 20.10 forgets a stream that is asked for at the moment of a death: it stands still
// for ever. The record stayed open, and with it its files and the connection, of each such
// life of a crash loop.
func TestAStreamThatStandsStillAfterADeathIsGivenUp(t *testing.T) {
	for name, end := range map[string]func(*tape){
		"with a record": func(one *tape) { one.close(nil) },
		"without": func(one *tape) {
			one.write(&core.Life{Start: aweigh.Start{Verdict: aweigh.Crashed}, Ended: time.Now()})
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, stop := context.WithCancel(t.Context())
				one := newTape(time.Now())
				one.stop = stop
				from, to := io.Pipe()
				one.open = func(context.Context, time.Time, time.Time, int) (io.ReadCloser, bool, error) { return from, false, nil }
				one.attach(nil)
				go one.run(ctx, time.Time{}, func(err error) { t.Error(err) })
				one.die(time.Now())
				go end(one)
				for range 5 { // an engine that is slow is waited for
					time.Sleep(catchUpWithin * 2 / 3)
					to.Write([]byte("fatal: no such database\n"))
				}
				if synctest.Wait(); closedNow(one.done) {
					t.Error("it was given up while there was more to come")
				}
				time.Sleep(10 * time.Minute)
				if synctest.Wait(); !closedNow(one.done) {
					t.Error("it is waited for yet")
				}
				stop()
			})
		})
	}
}

// An engine on a busy machine comes to a request for the output of a life when the next
// one has begun, and goes on with that: the record of a crash had all that the service
// printed when it had come up at last, and was open for as long.
func TestAStreamThatGoesOnWithTheNextLifeIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		one := newTape(time.Now())
		one.stop = stop
		from, to := io.Pipe()
		one.open = func(_ context.Context, _, until time.Time, _ int) (io.ReadCloser, bool, error) {
			if until.IsZero() {
				return from, false, nil
			}
			return io.NopCloser(strings.NewReader("fatal: no such database\n")), false, nil
		}
		one.attach(nil)
		go one.run(ctx, time.Time{}, func(err error) { t.Error(err) })
		e := &evidence{tapes: map[string][]*tape{"4f1c": {one}}, reading: t.Context()}
		if lines, _ := e.last("4f1c", time.Now()); len(lines) != 1 {
			t.Errorf("its last words: %q", lines)
		}
		go one.close(nil)
		to.Write([]byte("fatal: no such database\n"))
		for range 30 {
			to.Write([]byte("served a request\n"))
			time.Sleep(time.Second)
		}
		if synctest.Wait(); !closedNow(one.done) {
			t.Error("it is followed yet")
		}
		e.running.Wait()
	})
}

func TestOutputThatTheEngineDoesNotGiveIsAskedForOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, asked := newTape(time.Now()), 0
		one.open = func(context.Context, time.Time, time.Time, int) (io.ReadCloser, bool, error) {
			asked++
			return nil, false, fmt.Errorf("%w: configured logging driver does not support reading", docker.ErrRefused)
		}
		var troubles []error
		go one.run(t.Context(), time.Time{}, func(err error) { troubles = append(troubles, err) })
		time.Sleep(time.Hour)
		synctest.Wait()
		if asked != 1 || len(troubles) != 1 || !closedNow(one.done) {
			t.Errorf("asked %d times, %d troubles, ended: %t", asked, len(troubles), closedNow(one.done))
		}
	})
}

// A service may print its first line before the fold knows of it, and none for
// hours after.
func TestOutputBeforeTheStartIsKnownIsToldAfterIt(t *testing.T) {
	var told []aweigh.Fact
	e := &evidence{tapes: map[string][]*tape{}, warned: map[string]bool{}, log: slog.New(slog.DiscardHandler),
		tell:    func(f aweigh.Fact) { told = append(told, f) },
		silence: func(*aweigh.Container) time.Duration { return 5 * time.Minute }}
	one := e.follow(t.Context(), &aweigh.Container{ID: "4f1c", Unreadable: "this test reads for it"}, time.Now(), time.Time{}, time.Time{}, false)
	one.talked(time.Now())
	if len(told) != 0 {
		t.Errorf("told to a fold that does not know the start: %v", told)
	}
	if one.attach(nil); len(told) != 1 || told[0].Kind != aweigh.FactTalked {
		t.Errorf("told: %v", told)
	}
}

// The race detector saw an answer folded while the verdict before it was written.
func TestVerdictsOfARecordDoNotChangeWithLaterAnswers(t *testing.T) {
	s := aweigh.Start{Verdict: aweigh.Ready, Probe: &aweigh.Probe{Target: "tcp://172.17.0.2:80", Attempts: 3}}
	e := verdictEvent(&s, time.Time{})
	s.Probe.Target = "tcp://172.17.0.2:81"
	if e.Probe.Target != "tcp://172.17.0.2:80" || e.Probe.Attempts != 3 {
		t.Errorf("the event says %+v", e.Probe)
	}
}

// Who reads the command line of a process waits for its memory map, and that may wait for
// a file server for hours. All that waits for time waited with it: no deadline passed any
// more, of any service, and nobody was told.
func TestALookAtAServiceThatHangsInTheKernelEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		over := make(chan struct{})
		var looks atomic.Int64
		e := &evidence{engine: &docker.Engine{}, tapes: map[string][]*tape{"4f1c": {newTape(time.Now())}}, stuck: map[string]bool{}}
		e.look = func(context.Context, *docker.Engine, string, gather.Options) (*gather.Found, error) {
			looks.Add(1)
			<-over
			return nil, errors.New("it is over")
		}
		for range 3 {
			before := time.Now()
			if causes := e.causes(t.Context(), []string{"4f1c"}); len(causes) > 0 || time.Since(before) > lookAtMost {
				t.Errorf("it has looked for %s: %v", time.Since(before), causes)
			}
		}
		if n := looks.Load(); n != 1 {
			t.Errorf("%d looks hang", n)
		}
		close(over)
		synctest.Wait()
		e.causeOfLife(t.Context(), "4f1c")
		if n := looks.Load(); n != 2 {
			t.Errorf("it was looked at %d times, although the first look is over", n)
		}
	})
}

// An aweigh-init that keeps the record itself leaves the watcher none to go on from. After
// each restart of the watcher all that it had ever printed was read again, and hundreds of
// old words, such as that the service was unhealthy or short of memory, were news.
func TestWhatAnEarlierWatcherHasHeardIsNotHeardAgain(t *testing.T) {
	there := time.Now().Add(-time.Minute)
	began := there.Add(-72 * time.Hour)
	c := &aweigh.Container{ID: "4f1c", Service: "web", Status: "running", Created: began.Add(-time.Second), Supervised: true}
	l := &core.Life{Alive: true, Start: aweigh.Start{ID: aweigh.NewID(began), Service: "web", Began: began}}
	e := &evidence{dir: t.TempDir(), there: there}
	if got := e.since(c, l); got.Before(there.Add(-time.Minute)) || got.After(there) {
		t.Errorf("it is read from %s, and a watcher has read it until %s", got, there)
	}
	e.there = time.Time{}
	if got := e.since(c, l); !got.IsZero() {
		t.Errorf("of one that nobody has read it is read from %s", got)
	}
}

// restarted is an engine with a container that has crashed and was started again.
func restarted(t *testing.T) (e *evidence, c *engine.Container, began, died time.Time) {
	t.Helper()
	play := playEngine(t)
	c = play.Add(engine.Spec{Name: "web"})
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	began = time.Now()
	c.Print(true, "fatal: no such database\n")
	died = c.Die(1)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	c.Print(false, "listening\n")
	d, err := docker.Open(play.Host())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	e = &evidence{engine: d, dir: t.TempDir(), keep: recordBytes, log: slog.New(slog.DiscardHandler), tell: func(aweigh.Fact) {}, stopReading: func() {},
		tapes: map[string][]*tape{}, died: map[string][]time.Time{}, warned: map[string]bool{}, silence: func(*aweigh.Container) time.Duration { return 0 }}
	return e, c, began, died
}

// hasTheCrashAlone checks that the first tape has the output of the life that crashed.
func hasTheCrashAlone(t *testing.T, one *tape) {
	t.Helper()
	for late := time.Now().Add(5 * time.Second); !closedNow(one.done) && time.Now().Before(late); {
		time.Sleep(10 * time.Millisecond)
	}
	if lines, _ := one.lines(); !closedNow(one.done) || len(lines) != 1 || lines[0] != "fatal: no such database" {
		t.Errorf("kept: %q, to its end: %t", lines, closedNow(one.done))
	}
}

// A container may have been restarted while no watcher was there, as all are by a reboot.
// The record of the life before went on with the output of the next one, for as long as
// that lasted, and its last words were told as why the other had ended.
func TestALifeThatEndedWhileNobodyWatchedHasNoOutputOfTheNext(t *testing.T) {
	e, c, began, _ := restarted(t)
	ctx, cancel := context.WithCancel(t.Context())
	e.keepUp(ctx, &core.Instance{ID: c.ID, Container: aweigh.Container{ID: c.ID, Service: "web", Status: "running"},
		Life: &core.Life{Alive: true, Start: aweigh.Start{ID: aweigh.NewID(began), Service: "web", Began: began}}})
	hasTheCrashAlone(t, e.tapes[c.ID][0])
	cancel()
	e.close()
}

// The output of a container that nothing was known of is asked for once the engine lets it
// be inspected, which may be after its first crash.
func TestALifeWhoseEndIsHeardBeforeItIsFollowedHasNoOutputOfTheNext(t *testing.T) {
	e, c, began, died := restarted(t)
	ctx, cancel := context.WithCancel(t.Context())
	e.ended(c.ID, died)
	e.ended(c.ID, died.Add(time.Hour))
	e.begin(ctx, &aweigh.Container{ID: c.ID, Service: "web", Status: "running", Created: began}, began, time.Time{})
	hasTheCrashAlone(t, e.tapes[c.ID][0])
	cancel()
	e.close()
}

// The start of a container that nothing was known of waits for its inspection, and its next
// one, which follows the first crash, does not: the crash had no output, and its record had
// that of the next life.
func TestALifeThatIsFollowedAfterTheNextOneHasItsOwnOutput(t *testing.T) {
	e, c, began, died := restarted(t)
	ctx, cancel := context.WithCancel(t.Context())
	e.ended(c.ID, died)
	of := &aweigh.Container{ID: c.ID, Service: "web", Status: "running", Created: began}
	for _, at := range []time.Time{died.Add(time.Millisecond), began, began.Add(-time.Microsecond)} { // the last is an inspection of the first life
		e.begin(ctx, of, at, time.Time{})
	}
	if n := len(e.tapes[c.ID]); n != 2 {
		t.Fatalf("there are %d tapes of two lives", n)
	}
	hasTheCrashAlone(t, e.tapes[c.ID][0])
	cancel()
	e.close()
}
