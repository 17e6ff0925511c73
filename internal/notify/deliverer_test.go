package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aweigh/aweigh"
)

// box is an outbox in memory.
type box struct {
	mu      sync.Mutex
	letters []Letter
	sent    map[int64]time.Time
	dead    map[int64]string
	why     map[int64]string
	broken  bool
}

func newBox() *box {
	return &box{sent: map[int64]time.Time{}, dead: map[int64]string{}, why: map[int64]string{}}
}

var discard = slog.New(slog.DiscardHandler)

var errBox = errors.New("disk full")

func (b *box) add(route, thread string, severity aweigh.Severity) int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	id := int64(len(b.letters) + 1)
	b.letters = append(b.letters, Letter{ID: id, Route: route, Notification: &aweigh.Notification{
		ID: fmt.Sprint(id), Occasion: aweigh.OnReminder, At: time.Now(), Title: fmt.Sprint("number ", id),
		Incident: &aweigh.Incident{ID: thread, Service: thread, Severity: severity, Opened: time.Now()},
	}})
	return id
}

func (b *box) Pending(_ context.Context, route string, after int64, limit int) ([]Letter, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []Letter
	for _, l := range b.letters {
		_, sent := b.sent[l.ID]
		_, dead := b.dead[l.ID]
		if l.Route == route && l.ID > after && !sent && !dead && len(all) < limit {
			all = append(all, l)
		}
	}
	if b.broken {
		return nil, errBox
	}
	return all, nil
}

func (b *box) Sent(_ context.Context, ids []int64) error {
	return b.each(ids, func(l *Letter) { b.sent[l.ID] = time.Now() })
}

func (b *box) Failed(_ context.Context, ids []int64, why string, at, next time.Time) error {
	return b.each(ids, func(l *Letter) {
		if l.Tries++; l.FailedFirst.IsZero() {
			l.FailedFirst = at
		}
		l.Next, b.why[l.ID] = next, why
	})
}

func (b *box) Dead(_ context.Context, ids []int64, why string, _ time.Time) error {
	return b.each(ids, func(l *Letter) { b.dead[l.ID] = why })
}

func (b *box) each(ids []int64, do func(*Letter)) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.broken {
		return errBox
	}
	for _, id := range ids {
		do(&b.letters[id-1])
	}
	return nil
}

func (b *box) letter(id int64) Letter {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.letters[id-1]
}

// server is the other side of a route.
type server struct {
	mu    sync.Mutex
	got   []delivery
	fails func(m *Message) error // nil takes all
	takes time.Duration
}

type delivery struct {
	at  time.Time
	ids []string
}

func (s *server) send(_ context.Context, m *Message) error {
	time.Sleep(s.takes)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fails != nil {
		if err := s.fails(m); err != nil {
			return err
		}
	}
	d := delivery{at: time.Now()}
	for _, n := range m.Notifications {
		d.ids = append(d.ids, n.ID)
	}
	s.got = append(s.got, d)
	return nil
}

// story is what arrived, each message as its letters and the seconds since start.
func (s *server) story(start time.Time) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for _, d := range s.got {
		all = append(all, fmt.Sprintf("%s@%.0f", strings.Join(d.ids, "+"), d.at.Sub(start).Seconds()))
	}
	return strings.Join(all, " ")
}

// run delivers until the returned function is called. people: digests.
func run(b Outbox, s *server, people bool, routes ...Route) (wake, stop func()) {
	d := &Deliverer{}
	for _, r := range routes {
		d.carriers = append(d.carriers, newCarrier(b, r, &Sender{Send: s.send, Close: func() {}, Digests: people}, discard))
	}
	return d.Wake, background(d)
}

// background runs d until the returned function is called.
func background(d *Deliverer) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() { d.Run(ctx) })
	return func() { cancel(); done.Wait() }
}

func TestALetterGoesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, s, start := newBox(), &server{}, time.Now()
		wake, stop := run(b, s, true, Route{Name: "r"})
		defer stop()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		b.add("r", "A", aweigh.Warning)
		wake()
		synctest.Wait()
		if got := s.story(start); got != "1@10" {
			t.Errorf("%s", got)
		}
	})
}

func TestAFloodIsFiveMessagesAndThenDigests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, s, start := newBox(), &server{}, time.Now()
		wake, stop := run(b, s, true, Route{Name: "r"})
		defer stop()
		for i := range 8 {
			b.add("r", fmt.Sprint("thread", i), aweigh.Warning)
		}
		wake()
		time.Sleep(20 * time.Second)
		synctest.Wait()
		b.add("r", "X", aweigh.Warning) // 9: into the first digest
		wake()
		time.Sleep(20 * time.Second)
		synctest.Wait()
		b.add("r", "X", aweigh.Warning) // 10 and 11: into the second
		b.add("r", "Y", aweigh.Warning)
		wake()
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		b.add("r", "Z", aweigh.Warning) // the flood is over: at once
		wake()
		synctest.Wait()
		if got := s.story(start); got != "1@0 2@0 3@0 4@0 5@0 6+7+8+9@30 10+11@60 12@160" {
			t.Errorf("%s", got)
		}
	})
}

// An outage once waited 30 s because five containers had been told to be ready.
func TestTheNewsDoesNotMakeAnOutageWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, s, start := newBox(), &server{}, time.Now()
		wake, stop := run(b, s, true, Route{Name: "r"})
		defer stop()
		for i := range 6 {
			b.add("r", fmt.Sprint("news", i), aweigh.Info)
		}
		wake()
		time.Sleep(2 * time.Second)
		synctest.Wait()
		b.add("r", "news5", aweigh.Critical) // 7: with the news of it that waited
		wake()
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := s.story(start); got != "1@0 2@0 3@0 4@0 5@0 6@2 7@2" {
			t.Errorf("%s", got)
		}
	})
}

func TestAFloodOfOutagesWaitsASecondThenTwoThenFour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, s, start := newBox(), &server{}, time.Now()
		wake, stop := run(b, s, true, Route{Name: "r"})
		defer stop()
		for i := range 7 {
			b.add("r", fmt.Sprint("at once ", i), aweigh.Critical)
		}
		wake()
		time.Sleep(500 * time.Millisecond)
		for i := range 10 {
			b.add("r", fmt.Sprint("one a second ", i), aweigh.Critical)
			wake()
			time.Sleep(time.Second)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := s.story(start); got != "1@0 2@0 3@0 4@0 5@0 6+7+8@1 9+10@3 11+12+13+14@7 15+16+17@15" {
			t.Errorf("%s", got)
		}
	})
}

func TestProgramsGetNoDigests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, s, start := newBox(), &server{}, time.Now()
		for range 7 {
			b.add("r", "A", aweigh.Warning)
		}
		_, stop := run(b, s, false, Route{Name: "r"})
		defer stop()
		time.Sleep(time.Second)
		synctest.Wait()
		if got := s.story(start); got != "1@0 2@0 3@0 4@0 5@0 6@0 7@0" {
			t.Errorf("%s", got)
		}
	})
}

func TestQuietHoursEndWithADigest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // it is midnight, 1 January 2000, UTC
		b, s, start := newBox(), &server{}, time.Now()
		wake, stop := run(b, s, true, Route{Name: "r", Quiet: &QuietHours{From: "22:00", To: "00:10", Zone: "UTC"}})
		defer func() { stop() }()
		b.add("r", "A", aweigh.Warning)
		b.add("r", "B", aweigh.Warning)
		b.add("r", "C", aweigh.Critical) // told at night
		wake()
		time.Sleep(time.Minute)
		synctest.Wait()
		b.add("r", "B", aweigh.Critical) // grew critical: told, with what was before
		b.add("r", "D", aweigh.Info)
		wake()
		time.Sleep(time.Minute)
		synctest.Wait()
		stop() // and a restart changes nothing
		_, stop = run(b, s, true, Route{Name: "r", Quiet: &QuietHours{From: "22:00", To: "00:10", Zone: "UTC"}})
		time.Sleep(20 * time.Minute)
		synctest.Wait()
		if got := s.story(start); got != "3@0 2@60 4@60 1+5@600" {
			t.Errorf("%s", got)
		}
	})
}

// A letter from before the night that had failed till morning was overtaken by
// the digest of the night (found by TestNothingIsLostReorderedOrRepeated).
func TestTheNightsDigestDoesNotOvertakeTheEvening(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // it is midnight, UTC
		b, start := newBox(), time.Now()
		s := &server{fails: func(*Message) error {
			if time.Since(start) < 9*time.Minute {
				return temporary("down")
			}
			return nil
		}}
		wake, stop := run(b, s, true, Route{Name: "r", Quiet: &QuietHours{From: "00:01", To: "00:10", Zone: "UTC"}})
		defer stop()
		b.add("r", "A", aweigh.Warning)
		wake()
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		b.add("r", "A", aweigh.Warning)
		b.add("r", "B", aweigh.Warning)
		wake()
		time.Sleep(20 * time.Minute)
		synctest.Wait()
		if got := s.story(start); got != "3@600 1@600 2@600" {
			t.Errorf("%s", got)
		}
	})
}

func TestAThreadKeepsItsOrderAndOthersGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, start := newBox(), time.Now()
		until := start.Add(2 * time.Second)
		s := &server{fails: func(m *Message) error {
			if m.Notifications[0].ID == "1" && time.Now().Before(until) {
				return temporary("not now")
			}
			return nil
		}}
		b.add("r", "A", aweigh.Warning)
		b.add("r", "A", aweigh.Warning)
		b.add("r", "B", aweigh.Warning)
		_, stop := run(b, s, true, Route{Name: "r"})
		defer stop()
		time.Sleep(time.Minute)
		synctest.Wait()
		order := s.story(start)
		if !strings.HasPrefix(order, "3@0 1@") || !strings.Contains(order, " 2@") {
			t.Errorf("%s", order)
		}
		if l := b.letter(1); l.Tries < 1 || b.why[1] != "not now" || !l.FailedFirst.Equal(start) {
			t.Errorf("%+v", l)
		}
	})
}

func TestADeadServerHoldsUpNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, start := newBox(), time.Now()
		s := &server{fails: func(m *Message) error {
			if m.Notifications[0].Incident.ID == "dead" {
				time.Sleep(time.Minute)
				return temporary("no answer")
			}
			return nil
		}}
		s2 := &server{}
		b.add("dead", "dead", aweigh.Critical)
		b.add("alive", "A", aweigh.Critical)
		_, stop1 := run(b, s, true, Route{Name: "dead"})
		_, stop2 := run(b, s2, true, Route{Name: "alive"})
		time.Sleep(time.Second)
		synctest.Wait()
		if got := s2.story(start); got != "2@0" {
			t.Errorf("%s", got)
		}
		stop1()
		stop2()
	})
}

func TestLettersAreGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, start := newBox(), time.Now()
		tries := map[string]int{}
		s := &server{fails: func(m *Message) error {
			id := m.Notifications[0].ID
			tries[id]++
			switch id {
			case "1":
				return permanent("no such person")
			case "2":
				return temporary("full")
			case "4":
				return &Error{Why: "one of two has got it", Partly: true}
			}
			return nil
		}}
		b.add("r", "A", aweigh.Warning)
		b.add("r", "B", aweigh.Warning)
		b.add("r", "A", aweigh.Warning) // goes when 1 is given up
		b.add("r", "D", aweigh.Warning)
		_, stop := run(b, s, true, Route{Name: "r"})
		time.Sleep(GiveUp - time.Minute)
		synctest.Wait()
		s.mu.Lock()
		b.mu.Lock()
		if b.dead[1] != "no such person" || tries["1"] != PermanentTries || b.dead[2] != "" {
			t.Errorf("dead %v, tries %v", b.dead, tries)
		}
		b.mu.Unlock()
		s.mu.Unlock()
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		stop()
		if b.dead[2] != "full" || tries["2"] < 280 || tries["2"] > 500 {
			t.Errorf("dead %v, tries %v", b.dead, tries)
		}
		if got := s.story(start); !strings.HasPrefix(got, "3@") || len(b.sent) != 2 || tries["4"] != 1 {
			t.Errorf("%s, sent %v", got, b.sent)
		}
	})
}

func TestARouteRestsWhenItsServerIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, start := newBox(), time.Now()
		tries, down := 0, true
		s := &server{fails: func(m *Message) error {
			tries++
			if down {
				return temporary("down")
			}
			return nil
		}}
		for i := range 50 {
			b.add("r", fmt.Sprint(i), aweigh.Warning)
		}
		_, stop := run(b, s, true, Route{Name: "r"})
		defer stop()
		time.Sleep(time.Hour)
		synctest.Wait()
		if tries > 200 {
			t.Errorf("%d tries within an hour", tries)
		}
		s.mu.Lock()
		down = false
		s.mu.Unlock()
		back := time.Now()
		time.Sleep(6 * time.Minute)
		synctest.Wait()
		if len(b.sent) != 50 {
			t.Errorf("%d of 50 sent 6 minutes after it came back: %s", len(b.sent), s.story(start))
		}
		if first := s.got[0].at.Sub(back); first > maxPause {
			t.Errorf("the first came %v after the server", first)
		}
	})
}

func TestWhatCannotBeMarkedAsSentIsNotSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, start := newBox(), time.Now()
		s := &server{fails: func(*Message) error {
			b.mu.Lock()
			b.broken = true // between acceptance and the mark
			b.mu.Unlock()
			return nil
		}}
		b.add("r", "A", aweigh.Warning)
		_, stop := run(b, s, true, Route{Name: "r"})
		defer stop()
		time.Sleep(time.Minute)
		synctest.Wait()
		b.mu.Lock()
		b.broken = false
		b.mu.Unlock()
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if got := s.story(start); got != "1@0" || len(b.sent) != 1 {
			t.Errorf("%s, sent %v", got, b.sent)
		}
	})
}

func TestWhatHasBegunIsEndedBeforeRunReturns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, s, start := newBox(), &server{takes: 3 * time.Second}, time.Now()
		b.add("r", "A", aweigh.Warning)
		b.add("r", "B", aweigh.Warning)
		_, stop := run(b, s, true, Route{Name: "r"})
		time.Sleep(time.Second)
		synctest.Wait()
		stop()
		if got := s.story(start); got != "1@3" || len(b.sent) != 1 {
			t.Errorf("%s, sent %v", got, b.sent)
		}
	})
}

func TestNewDelivererWantsNames(t *testing.T) {
	for _, routes := range [][]Route{{{URL: "command:/bin/true"}}, {{Name: "a", URL: "command:/bin/true"}, {Name: "a", URL: "command:/bin/true"}}, {{Name: "a", URL: "x"}}} {
		if _, err := NewDeliverer(newBox(), routes, slog.Default()); err == nil {
			t.Errorf("%+v was taken", routes)
		}
	}
	d, err := NewDeliverer(newBox(), []Route{{Name: "a", URL: "command:/bin/true"}}, slog.Default())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := d.Run(ctx); err != nil {
		t.Error(err)
	}
}

func TestBackoffIsFromASecondToFiveMinutes(t *testing.T) {
	for tries := 1; tries < 400; tries++ {
		if d := backoff(tries); d < time.Second || d > 5*time.Minute || tries == 1 && d > 1500*time.Millisecond || tries > 9 && d < 200*time.Second {
			t.Errorf("after %d tries: %v", tries, d)
		}
	}
	if !slices.IsSorted([]time.Duration{doubled(1, time.Hour), doubled(2, time.Hour), doubled(30, time.Hour)}) {
		t.Error("it does not grow")
	}
}
