package objective

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/aweigh/aweigh"
)

const day = 24 * time.Hour

var now = time.Date(2026, 11, 25, 8, 0, 0, 0, time.UTC)

func ago(d time.Duration) time.Time { return now.Add(-d) }

// always is the evidence of a watcher that has been there for long.
func always() Evidence { return Evidence{Now: now, Watched: []Span{{ago(90 * day), now}}} }

func of(kind Kind) Objective {
	for _, o := range Defaults() {
		if o.Kind == kind {
			return o
		}
	}
	panic(kind)
}

func ready(id, instance string, at time.Time, took time.Duration) aweigh.Start {
	ms := took.Milliseconds()
	return aweigh.Start{ID: id, Service: "webhook", Instance: instance, Began: at, Verdict: aweigh.Ready, TookMS: &ms}
}

func crashed(id string, at time.Time) aweigh.Start {
	s := ready(id, "c", at, 10*time.Millisecond)
	s.Verdict = aweigh.Crashed
	return s
}

func check(t *testing.T, r Result, state State, left string) {
	t.Helper()
	got := "unknown"
	if r.Left != nil {
		got = fmt.Sprintf("%.2f", *r.Left)
	}
	if r.State != state || got != left {
		t.Errorf("%s: %s with %s left, want %s with %s", r.Promise, r.State, got, state, left)
	}
}

func TestNoRestartIsKeptOnlyIfSomebodyWatched(t *testing.T) {
	e := always()
	check(t, Judge(of(Restarts), e), Kept, "1.00")
	e.Watched = []Span{{ago(90 * day), ago(10 * day)}, {ago(8 * day), now}}
	r := Judge(of(Restarts), e)
	check(t, r, Unknown, "1.00")
	if r.Unseen != 2 || r.Good != 28 || *r.Attainment != 1 {
		t.Errorf("%d good, %d unknown", r.Good, r.Unseen)
	}
	e.Watched = nil
	r = Judge(of(Restarts), e)
	check(t, r, Unknown, "unknown")
	if r.Attainment != nil || r.Good != 0 {
		t.Errorf("nobody watched, and %d days are good", r.Good)
	}
}

func TestARestartBreaksThePromiseWhateverWasNotSeen(t *testing.T) {
	e := always()
	e.Watched = []Span{{ago(3 * day), now}}
	e.Starts = []aweigh.Start{crashed("S1", ago(2*day))}
	e.Incidents = []aweigh.Incident{{ID: "I1", Starts: []string{"S1"}, Opened: ago(2 * day)}}
	r := Judge(of(Restarts), e)
	check(t, r, Broken, "0.00")
	if b := r.Breaks[0]; b.Start != "S1" || b.Incident != "I1" || b.Service != "webhook" {
		t.Errorf("%+v", b)
	}
	forgiving := of(Restarts)
	forgiving.Allow = 4
	check(t, Judge(forgiving, e), Unknown, "0.75")
}

// A service that never came to listen, and was ended by aweigh-init and restarted for
// hours, kept the promise of no unexpected restart.
func TestAStartThatAweighInitGaveUpIsARestart(t *testing.T) {
	for _, c := range []struct {
		verdict aweigh.Verdict
		exit    *aweigh.Exit
		state   State
	}{
		{aweigh.TimedOut, &aweigh.Exit{Code: 124}, Broken},
		{aweigh.Refused, &aweigh.Exit{Code: 98}, Broken},
		{aweigh.TimedOut, nil, Kept},                                        // it lives yet
		{aweigh.TimedOut, &aweigh.Exit{Code: 143, Signal: "SIGTERM"}, Kept}, // somebody gave it up
	} {
		e := always()
		s := ready("S1", "c", ago(day), 2*time.Minute)
		s.Verdict, s.Exit = c.verdict, c.exit
		e.Starts = []aweigh.Start{s}
		r := Judge(of(Restarts), e)
		if r.State != c.state || c.state == Broken && !r.Breaks[0].At.Equal(ago(day-2*time.Minute)) {
			t.Errorf("%s, %+v: %s, %+v", c.verdict, c.exit, r.State, r.Breaks)
		}
	}
}

func TestRestartsOutsideOfTheWindowDoNotCount(t *testing.T) {
	e := always()
	e.Starts = []aweigh.Start{crashed("S1", ago(31*day)), crashed("S2", ago(40*day)), crashed("S3", now.Add(time.Minute))}
	r := Judge(of(Restarts), e)
	check(t, r, Kept, "1.00")
	if r.Trend != "better" {
		t.Errorf("two days of the month before were bad, and the trend is %s", r.Trend)
	}
}

func TestADeploymentMayStartAgainUntilItsTimeIsUp(t *testing.T) {
	e := always()
	e.Starts = []aweigh.Start{
		ready("A", "a", ago(5*day), 30*time.Second),
		crashed("C1", ago(4*day)), ready("C2", "c", ago(4*day).Add(20*time.Second), 30*time.Second), // its database came up late
		ready("D", "d", ago(3*day), 61*time.Second),                                // too late
		ready("A2", "a", ago(2*day), 5*time.Minute),                                // no deployment: the instance is known
		{ID: "N", Service: "webhook", Instance: "n", Began: ago(10 * time.Second)}, // too early to say
	}
	r := Judge(of(Deployments), e)
	check(t, r, Broken, "0.00")
	if r.Good != 2 || r.Bad != 1 || r.Unseen != 0 || r.Breaks[0].Start != "D" {
		t.Errorf("%d good, %d bad, %d unknown: %+v", r.Good, r.Bad, r.Unseen, r.Breaks)
	}
	o := of(Deployments)
	o.Target = 0.66
	check(t, Judge(o, e), Kept, "0.02")
}

func TestADeploymentThatNobodySawMayHaveFailed(t *testing.T) {
	e := always()
	e.Starts = []aweigh.Start{ready("A", "a", ago(5*day), time.Second), {ID: "U", Service: "webhook", Instance: "u", Began: ago(day), Verdict: aweigh.Unknown}}
	r := Judge(of(Deployments), e)
	check(t, r, Unknown, "1.00")
	e.Starts[1].Began = ago(100 * day) // it ran before anybody watched
	check(t, Judge(of(Deployments), e), Kept, "1.00")
	check(t, Judge(of(Deployments), always()), Unknown, "unknown") // there was none
}

func TestARestartUnderAweighRunIsNoDeployment(t *testing.T) {
	e := always()
	again := crashed("R1", ago(day))
	again.Instance = "run:1"
	e.Starts = []aweigh.Start{again, ready("R2", "run:2", ago(day).Add(time.Second), time.Second), ready("R3", "run:3", ago(time.Hour), time.Second)}
	if r := Judge(of(Deployments), e); r.Good != 2 || r.Bad != 0 {
		t.Errorf("%d good, %d bad", r.Good, r.Bad)
	}
}

func TestAPersonHearsOfADeploymentOrOfItsFailure(t *testing.T) {
	e := always()
	e.Starts = []aweigh.Start{ready("A", "a", ago(5*day), time.Second), crashed("C", ago(4*day)), ready("D", "d", ago(3*day), time.Second), ready("E", "e", ago(2*day), time.Second)}
	e.Tellings = []Telling{
		{ago(5*day - 30*time.Second), aweigh.Notification{Occasion: aweigh.OnReady, At: ago(5*day - 5*time.Second), Services: []string{"db", "webhook"}}},
		{ago(4*day - 10*time.Second), aweigh.Notification{Occasion: aweigh.OnOpened, At: ago(4*day - time.Second), Incident: &aweigh.Incident{Starts: []string{"C"}}}},
		{ago(3*day - 10*time.Minute), aweigh.Notification{Occasion: aweigh.OnReady, At: ago(3*day - 5*time.Second), Services: []string{"webhook"}}}, // the mail server was down
	}
	r := Judge(of(Told), e)
	check(t, r, Broken, "0.00")
	if r.Good != 2 || r.Bad != 2 || r.Breaks[0].What != "nobody was told" || r.Breaks[1].What != "told after 10m0s" {
		t.Errorf("%d good, %d bad: %+v", r.Good, r.Bad, r.Breaks)
	}
}

func TestASignalIsJudgedByItsRuleOrByANumber(t *testing.T) {
	e := always()
	for n := range 100 {
		r := Reading{Name: "linkage", Service: "webhook", State: "ok", At: ago(29 * day).Add(time.Duration(n) * time.Hour), Values: map[string]float64{"linkage": 95}}
		switch {
		case n >= 95:
			r.State, r.Values["linkage"] = "breached", 0
		case n >= 85:
			r.Values["linkage"] = 60
		}
		e.Readings = append(e.Readings, r)
	}
	o := of(Signal)
	o.Signal = "linkage"
	r := Judge(o, e)
	check(t, r, Kept, "0.50")
	if len(r.Breaks) != 1 || r.Breaks[0].What != "linkage 0" {
		t.Errorf("five bad readings in a row are %+v", r.Breaks)
	}
	o.Value, o.Above = "linkage", 90
	check(t, Judge(o, e), Broken, "0.00")
	e.Watched = []Span{{ago(6 * day), now}} // most readings did not come
	o.Value = ""
	check(t, Judge(o, e), Unknown, "0.50")
}

func TestSilencesCount(t *testing.T) {
	e := always()
	e.Incidents = []aweigh.Incident{{ID: "I", Kind: aweigh.Silence, Service: "webhook", Opened: ago(day)}, {ID: "J", Kind: aweigh.CrashLoop, Service: "webhook", Opened: ago(day)}}
	r := Judge(of(Silence), e)
	check(t, r, Broken, "0.00")
	o := of(Silence)
	o.Services = []string{"db*"}
	check(t, Judge(o, e), Kept, "1.00")
}

func TestWatchedFollowsTheWatcherAndTheEngine(t *testing.T) {
	got := Watched([]aweigh.Fact{
		{Kind: aweigh.FactWatching, At: ago(10 * day)},
		{Kind: aweigh.FactWatching, At: ago(8 * day), Since: ago(9 * day)},
		{Kind: aweigh.FactLost, At: ago(7 * day)},
		{Kind: aweigh.FactRegained, At: ago(6 * day)},
		{Kind: aweigh.FactStepped, At: ago(134 * time.Hour), Step: 2 * time.Hour}, // the machine slept
		{Kind: aweigh.FactStepped, At: ago(130 * time.Hour), Step: -time.Hour},
		{Kind: aweigh.FactLost, At: ago(5 * day)},
	}, ago(10*day), ago(day))
	want := []Span{{ago(10 * day), ago(9 * day)}, {ago(8 * day), ago(7 * day)}, {ago(6 * day), ago(136 * time.Hour)}, {ago(134 * time.Hour), ago(5 * day)}}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// A watcher that is restarted while the engine does not answer tells only that it
// answers again: the time until then was taken for watched.
func TestARestartedWatcherSeesNothingOfAnEngineThatIsLost(t *testing.T) {
	got := Watched([]aweigh.Fact{
		{Kind: aweigh.FactWatching, At: ago(10 * day)},
		{Kind: aweigh.FactLost, At: ago(8 * day)},
		{Kind: aweigh.FactWatching, At: ago(7 * day), Since: ago(7*day + time.Minute)},
		{Kind: aweigh.FactRegained, At: ago(3 * day)},
	}, ago(10*day), now)
	want := []Span{{ago(10 * day), ago(8 * day)}, {ago(3 * day), now}}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// Whatever the history: the order in which starts come does not matter, and what
// was not watched is never counted as good.
func TestUnknownTimeIsNeverGood(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		e := Evidence{Now: now}
		for at := ago(60 * day); at.Before(now); {
			from := at.Add(time.Duration(r.Int64N(int64(10 * day))))
			at = from.Add(time.Duration(r.Int64N(int64(10 * day))))
			if at.Before(now) {
				e.Watched = append(e.Watched, Span{from, at})
			}
		}
		for n := range r.IntN(5) {
			e.Starts = append(e.Starts, crashed(fmt.Sprint(n), ago(time.Duration(r.Int64N(int64(60*day))))))
		}
		one := Judge(of(Restarts), e)
		r.Shuffle(len(e.Starts), func(i, j int) { e.Starts[i], e.Starts[j] = e.Starts[j], e.Starts[i] })
		if two := Judge(of(Restarts), e); two.State != one.State || two.Good != one.Good || two.Spent != one.Spent {
			t.Fatalf("seed %d: the order matters: %+v and %+v", seed, one, two)
		}
		if float64(one.Good) > one.Known*parts+0.5 || one.State == Kept && one.Known < enough || one.Good+one.Bad+one.Unseen != parts {
			t.Fatalf("seed %d: watched %v: %+v", seed, one.Known, one)
		}
	}
}

// A promise within 90 s read "within 1m3", one within 10 min "within 1".
func TestPromiseSaysHowLongItIs(t *testing.T) {
	for within, want := range map[time.Duration]string{
		20 * time.Second: "20s", 90 * time.Second: "1m30s", time.Minute: "1m", 10 * time.Minute: "10m", time.Hour: "1h",
		70 * time.Minute: "1h10m", 10 * time.Hour: "10h", time.Hour + time.Second: "1h0m1s", 48 * time.Hour: "2 days",
	} {
		o := Objective{Kind: Told, Target: 1, Within: within, Window: 30 * day}
		if got := o.Promise(); got != "a person hears of 100 % of deployments within "+want+", over 30 days" {
			t.Errorf("%s: %s", within, got)
		}
	}
}

func TestPromiseSaysItsTargetAsItWasWritten(t *testing.T) {
	for target, want := range map[float64]string{0.55: "55 %", 0.57: "57 %", 0.999: "99.9 %", 0.99995: "99.995 %", 1: "100 %"} {
		o := Objective{Kind: Signal, Signal: "linkage", Target: target, Window: 30 * day}
		if got := o.Promise(); got != "signal linkage is well in "+want+" of readings, over 30 days" {
			t.Errorf("%v: %s", target, got)
		}
	}
}

// A log that was silent for all of the window kept the promise of no silence in it, for
// the incident was older; and of one that was silent for days the first was bad alone.
func TestASilenceIsBadForAsLongAsItLasts(t *testing.T) {
	resolved := ago(20 * day)
	for _, c := range []struct {
		opened   time.Time
		resolved *time.Time
		bad      int
	}{
		{ago(40 * day), nil, 30},
		{ago(40 * day), &resolved, 10},
		{ago(25*day - time.Hour), &resolved, 5},
		{ago(time.Hour), nil, 1},
	} {
		e := always()
		e.Incidents = []aweigh.Incident{{ID: "I1", Kind: aweigh.Silence, Service: "webhook", Opened: c.opened, Resolved: c.resolved}}
		r := Judge(of(Silence), e)
		if r.State != Broken || r.Spent != 1 || r.Bad != c.bad {
			t.Errorf("opened %s, resolved %v: %s, spent %d, %d days are bad", c.opened, c.resolved, r.State, r.Spent, r.Bad)
		}
	}
	resolved = ago(31 * day)
	e := always()
	e.Incidents = []aweigh.Incident{{ID: "I1", Kind: aweigh.Silence, Service: "webhook", Opened: ago(40 * day), Resolved: &resolved}}
	check(t, Judge(of(Silence), e), Kept, "1.00")
}

// Bad readings in a row are one break: the picture showed its first day only, and
// the days after it as good.
func TestEachDayOfALongBreachIsBad(t *testing.T) {
	e := always()
	for at := ago(10*day - time.Hour); at.Before(now); at = at.Add(6 * time.Hour) {
		state := "ok"
		if at.Before(ago(5 * day)) {
			state = "breached"
		}
		e.Readings = append(e.Readings, Reading{Name: "linkage", Service: "webhook", State: state, At: at})
	}
	o := of(Signal)
	o.Signal = "linkage"
	r := Judge(o, e)
	good, bad, _ := counted(r.Parts)
	if len(r.Breaks) != 1 || good != 25 || bad != 5 || r.Parts[24] != "bad" {
		t.Errorf("%d breaks, %d parts are good and %d bad: %v", len(r.Breaks), good, bad, r.Parts)
	}
}
