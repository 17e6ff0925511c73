package core_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/core"
	"pgregory.net/rapid"
)

// drawHistory makes what an engine could tell of a few containers, in the order
// of time.
func drawHistory(t *rapid.T) []aweigh.Fact {
	var facts []aweigh.Fact
	now := midnight
	boxes := map[string]*aweigh.Container{}
	alive := map[string]bool{}
	for n := range 3 {
		c := box(fmt.Sprint("c", n), fmt.Sprint("s", n/2)) // two services
		c.Policy = rapid.SampledFrom([]string{"always", "no", "on-failure", "unless-stopped"}).Draw(t, "policy")
		if rapid.Bool().Draw(t, "nothing to ask") {
			c.Published = nil
		}
		boxes[c.ID] = c
	}
	add := func(f aweigh.Fact) {
		f.At = now
		f.ID = fmt.Sprint(f.Kind, f.Instance, len(facts))
		facts = append(facts, f)
	}
	for range rapid.IntRange(1, 60).Draw(t, "events") {
		now = now.Add(time.Duration(rapid.SampledFrom([]int{1, 50, 900, 9_000, 61_000, 400_000}).Draw(t, "ms")) * time.Millisecond)
		id := rapid.SampledFrom([]string{"c0", "c1", "c2"}).Draw(t, "instance")
		c := *boxes[id]
		what := rapid.SampledFrom([]string{"toggle", "toggle", "toggle", "kill", "answer", "reach", "health", "oom", "stop", "see", "talk", "lost", "signal"}).Draw(t, "what")
		switch {
		case what == "toggle" && alive[id]:
			alive[id] = false
			code := rapid.SampledFrom([]int{0, 1, 137, 143}).Draw(t, "code")
			boxes[id].Exit, boxes[id].Finished = &aweigh.Exit{Code: code}, now
			if now.Sub(c.Started) < 10*time.Millisecond {
				boxes[id].Finished = c.Started.Add(-50 * time.Microsecond) // Engine 20.10
			}
			add(aweigh.Fact{Kind: aweigh.FactDied, Instance: id, Exit: &aweigh.Exit{Code: code}})
		case what == "toggle":
			alive[id] = true
			c.Started = now.Add(-100 * time.Microsecond)
			boxes[id].Started = c.Started
			add(aweigh.Fact{Kind: aweigh.FactStarted, Instance: id, Container: &c})
		case what == "kill":
			add(aweigh.Fact{Kind: aweigh.FactSignalled, Instance: id, Signal: rapid.SampledFrom([]string{"SIGTERM", "SIGHUP", "SIGKILL"}).Draw(t, "signal")})
		case what == "answer":
			add(aweigh.Fact{Kind: aweigh.FactAnswered, Instance: id, OK: rapid.Bool().Draw(t, "ok"), Target: "tcp://x:1", Reason: "no"})
		case what == "reach":
			add(aweigh.Fact{Kind: aweigh.FactReached, Instance: id, OK: rapid.Bool().Draw(t, "ok")})
		case what == "health":
			add(aweigh.Fact{Kind: aweigh.FactHealth, Instance: id, OK: rapid.Bool().Draw(t, "ok")})
		case what == "oom":
			add(aweigh.Fact{Kind: aweigh.FactOOM, Instance: id})
		case what == "stop" && !alive[id]:
			add(aweigh.Fact{Kind: aweigh.FactStopped, Instance: id})
		case what == "see":
			switch c.Status = "exited"; {
			case alive[id]:
				c.Status = "running"
			case c.Started.IsZero():
				c.Status = "created"
			}
			add(aweigh.Fact{Kind: aweigh.FactSeen, Instance: id, Container: &c})
			facts[len(facts)-1].ID = ""
		case what == "talk":
			add(aweigh.Fact{Kind: aweigh.FactTalked, Instance: id})
		case what == "lost":
			add(aweigh.Fact{Kind: rapid.SampledFrom([]aweigh.FactKind{aweigh.FactLost, aweigh.FactRegained}).Draw(t, "engine")})
		case what == "signal":
			add(aweigh.Fact{Kind: aweigh.FactSignal, Reading: &aweigh.Reading{Name: "linkage", Service: "s0", Hold: time.Minute,
				State: rapid.SampledFrom([]string{"ok", "breached", "broken", "missing"}).Draw(t, "state")}})
		}
	}
	if len(facts) == 0 {
		add(aweigh.Fact{Kind: aweigh.FactTick})
	}
	return facts
}

// folded is what a history came to.
type folded struct {
	starts    map[string]aweigh.Start
	incidents map[string]aweigh.Incident
	told      []aweigh.Notification
	rows      map[string][]byte
}

func settings(string, map[string]string) core.Settings { return core.Defaults() }

// run folds facts, with ticks between them. At each of the cuts it gives its
// state up for what was stored of it, as a kill -9 does.
func run(t *rapid.T, facts []aweigh.Fact, cuts map[int]bool) folded {
	f := folded{map[string]aweigh.Start{}, map[string]aweigh.Incident{}, nil, map[string][]byte{}}
	state := core.New("h", settings)
	take := func(fact aweigh.Fact) {
		c := state.Apply(fact)
		for key, row := range c.Rows {
			if row == nil {
				delete(f.rows, key)
			} else {
				f.rows[key] = row
			}
		}
		for _, s := range c.Starts {
			f.starts[s.ID] = stored(s)
		}
		for _, n := range c.Incidents {
			f.incidents[n.ID] = stored(n)
		}
		f.told = append(f.told, c.Notifications...)
	}
	pass := func(until time.Time) {
		for n := 0; ; n++ {
			next := state.Next()
			if next.IsZero() || next.After(until) {
				return
			}
			if n > 5000 {
				t.Fatalf("the timer of %s never goes away", next)
			}
			take(aweigh.Fact{Kind: aweigh.FactTick, At: next})
		}
	}
	for n, fact := range facts {
		pass(fact.At.Add(-fact.Step - time.Nanosecond)) // by the clock as it was before
		take(fact)
		if cuts[n] {
			var err error
			if state, err = core.Load("h", settings, f.rows); err != nil {
				t.Fatal(err)
			}
		}
	}
	end := midnight
	for _, fact := range facts {
		if fact.At.After(end) || fact.Step != 0 {
			end = fact.At
		}
	}
	pass(end.Add(3 * time.Hour))
	return f
}

// stored is v as it comes back from a disk: it shares nothing with the state.
func stored[T any](v T) (copied T) {
	b, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(b, &copied)
	}
	if err != nil {
		panic(err)
	}
	return copied
}

func TestAKillBetweenAnyTwoFactsChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		facts := drawHistory(t)
		cuts := map[int]bool{}
		for n := range facts {
			cuts[n] = rapid.Bool().Draw(t, "cut")
		}
		same(t, run(t, facts, nil), run(t, facts, cuts))
	})
}

// The engine tells the last few events again after a reconnection.
func TestFactsThatComeTwiceCountOnce(t *testing.T) {
	ofTheEngine := []aweigh.FactKind{aweigh.FactStarted, aweigh.FactDied, aweigh.FactSignalled, aweigh.FactStopped, aweigh.FactOOM, aweigh.FactHealth}
	rapid.Check(t, func(t *rapid.T) {
		facts := drawHistory(t)
		var twice []aweigh.Fact
		for n, f := range facts {
			twice = append(twice, f)
			back := rapid.IntRange(0, min(n, 5)).Draw(t, "back")
			for _, again := range facts[n-back : n+1] {
				if slices.Contains(ofTheEngine, again.Kind) {
					again.At = again.At.UTC()
					twice = append(twice, again)
				}
			}
		}
		same(t, run(t, facts, nil), run(t, twice, nil))
	})
}

// What happens to two containers at one moment the engine may tell in any order.
func TestTheOrderBetweenServicesDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		facts := drawHistory(t)
		var swap []int
		for n := 1; n < len(facts); n++ {
			a, b := &facts[n-1], facts[n]
			others := a.Instance != "" && b.Instance != "" && (a.Instance == "c2") != (b.Instance == "c2")
			if others && b.At.Sub(a.At) < 100*time.Millisecond && rapid.Bool().Draw(t, "swap") {
				a.At = b.At
				swap = append(swap, n)
				n++ // each at most once, or one would overtake its own
			}
		}
		shuffled := slices.Clone(facts)
		for _, n := range swap {
			shuffled[n-1], shuffled[n] = shuffled[n], shuffled[n-1]
		}
		same(t, run(t, facts, nil), run(t, shuffled, nil))
	})
}

// The clock is set by hours, or the machine sleeps: what is judged is the same.
func TestAClockThatIsSetChangesNoVerdict(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		facts := drawHistory(t)
		at := rapid.IntRange(0, len(facts)-1).Draw(t, "at")
		step := time.Duration(rapid.SampledFrom([]int{-86_400, -3600, -5, 5, 3600, 86_400}).Draw(t, "s")) * time.Second
		set := slices.Clone(facts[:at])
		set = append(set, aweigh.Fact{Kind: aweigh.FactStepped, Step: step, At: facts[at].At.Add(step)})
		for _, f := range facts[at:] {
			if f.Container != nil { // the engine does not set its own words right
				c := *f.Container
				for _, own := range []*time.Time{&c.Started, &c.Finished} {
					if !own.Before(facts[at].At.Add(-time.Millisecond)) {
						*own = own.Add(step)
					}
				}
				f.Container = &c
			}
			f.At = f.At.Add(step)
			set = append(set, f)
		}
		want, got := run(t, facts, nil).judged(), run(t, set, nil).judged()
		if !slices.Equal(want, got) {
			t.Fatalf("the clock was set by %s before fact %d:\n%s", step, at, differing(strings.Join(want, "\n"), strings.Join(got, "\n")))
		}
	})
}

// Of what events do not tell, inspections find out how it is now.
func TestInspectionsFindWhatEventsDoNotTell(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		state := core.New("h", settings)
		last := map[string]*aweigh.Container{}
		for _, f := range drawHistory(t) {
			event := f.Kind == aweigh.FactStarted || f.Kind == aweigh.FactDied
			if event && rapid.Bool().Draw(t, "lost") {
				continue
			}
			state.Apply(f)
			if f.Kind == aweigh.FactSeen {
				last[f.Instance] = f.Container
			} else if event {
				delete(last, f.Instance)
			}
		}
		for id, c := range last {
			if l := state.Instances[id].Life; l != nil && l.Alive != (c.Status == "running") {
				t.Fatalf("%s is %s, and alive is %t: %+v", id, c.Status, l.Alive, l)
			}
		}
	})
}

// judged is what a history came to, without its times.
func (f folded) judged() (lines []string) {
	for _, s := range f.starts {
		line := fmt.Sprintf("start of %s: %s, %d in a row", s.Service, s.Verdict, s.InARow)
		if s.TookMS != nil {
			line += fmt.Sprintf(", took %d ms", *s.TookMS)
		}
		if s.Run != nil {
			line += fmt.Sprintf(", served %d ms until %s", s.Run.ServedMS, s.Run.End)
		}
		lines = append(lines, line)
	}
	for _, n := range f.incidents {
		lines = append(lines, fmt.Sprintf("incident of %s: %s, %s, %d times, open %t", n.Service, n.Kind, n.Severity, n.Count, n.Open()))
	}
	for _, n := range f.told {
		lines = append(lines, "told: "+string(n.Occasion))
	}
	slices.Sort(lines)
	return lines
}

func TestIncidentsAndMessagesAreNeverDoubled(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		state := core.New("h", settings)
		told := map[string]bool{}
		for _, f := range drawHistory(t) {
			for _, n := range state.Apply(f).Notifications {
				if told[n.ID] {
					t.Fatalf("told twice: %s", n.Title)
				}
				told[n.ID] = true
			}
			open := map[string]string{}
			for id, n := range state.Incidents {
				if key := n.Key + "|" + string(n.Group); n.Open() {
					if open[key] != "" {
						t.Fatalf("two open incidents of %s: %s and %s", key, open[key], id)
					}
					open[key] = id
				}
			}
		}
	})
}

// Every life that is not judged has a deadline, every open incident a reminder,
// a resolution that is due, or a person who knows.
func TestEverythingOpenHasAnArmedTimer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		state := core.New("h", settings)
		for _, f := range drawHistory(t) {
			state.Apply(f)
			for id, i := range state.Instances {
				if l := i.Life; l != nil && l.Alive && l.Start.Verdict == "" && l.Deadline.IsZero() {
					t.Fatalf("%s comes up without a deadline", id)
				}
			}
			for id, n := range state.Incidents {
				if n.Open() && n.RemindAt.IsZero() && n.ResolveAt.IsZero() && n.Acknowledged == nil {
					t.Fatalf("nothing is due about the incident %s", id)
				}
			}
		}
	})
}

func same(t *rapid.T, a, b folded) {
	for _, pair := range [][2]any{{a.starts, b.starts}, {a.incidents, b.incidents}, {titles(a.told), titles(b.told)}} {
		x, _ := json.MarshalIndent(pair[0], "", " ")
		y, _ := json.MarshalIndent(pair[1], "", " ")
		if string(x) != string(y) {
			t.Fatalf("not the same:\n%s", differing(string(x), string(y)))
		}
	}
}

func titles(all []aweigh.Notification) (lines []string) {
	for _, n := range all {
		lines = append(lines, string(n.Occasion)+" "+n.Title)
	}
	slices.Sort(lines) // what is due at one moment may be told in any order
	return lines
}

// differing are the lines of a and b that differ.
func differing(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	var out []string
	for n := range max(len(x), len(y)) {
		var p, q string
		if n < len(x) {
			p = x[n]
		}
		if n < len(y) {
			q = y[n]
		}
		if p != q {
			out = append(out, "- "+p, "+ "+q)
		}
	}
	return strings.Join(out[:min(len(out), 30)], "\n")
}
