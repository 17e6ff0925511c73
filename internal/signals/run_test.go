package signals

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"
)

// every is a signal that is answered by a function.
func every(name string, d time.Duration, a ask) *Compiled {
	r, err := compileRule("linkage == 0")
	if err != nil {
		panic(err)
	}
	s := Signal{Name: name, Every: d, Timeout: min(d, 10*time.Second), Rule: "linkage == 0"}
	return &Compiled{signal: s, rule: r, ask: a, secrets: secretsOf(s)}
}

func one(context.Context, window) (answer, error) { return answer{"linkage": number(1)}, nil }

func TestRunAsksEachSignalEverySoOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		at := map[string][]time.Time{}
		err := Run(ctx, []*Compiled{every("a", time.Minute, one), every("b", 5*time.Minute, one)}, func(r Reading) {
			at[r.Name] = append(at[r.Name], r.At)
		})
		if err != nil || time.Since(began) != time.Hour {
			t.Errorf("%v after %s", err, time.Since(began))
		}
		for name, want := range map[string]struct {
			n int
			d time.Duration
		}{"a": {60, time.Minute}, "b": {12, 5 * time.Minute}} {
			all := at[name]
			if len(all) != want.n || all[0].Sub(began) > maxJitter {
				t.Fatalf("%s: %d readings, the first after %s", name, len(all), all[0].Sub(began))
			}
			for i := range all[1:] {
				if d := all[i+1].Sub(all[i]); d != want.d {
					t.Errorf("%s: %s between two readings", name, d)
				}
			}
		}
	})
}

func TestRunLetsASlowSignalKeepNoOtherWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hangs := func(ctx context.Context, _ window) (answer, error) {
			<-ctx.Done()
			return nil, errors.New("what drivers say then")
		}
		late := func(ctx context.Context, _ window) (answer, error) { // heeds no context
			time.Sleep(90 * time.Second)
			return one(ctx, window{})
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		n := map[string]int{}
		Run(ctx, []*Compiled{every("hangs", time.Minute, hangs), every("late", time.Minute, late), every("fine", time.Minute, one)}, func(r Reading) {
			n[r.Name]++
			if r.Name == "hangs" && (r.State != Broken || !strings.HasPrefix(r.Why, "no answer within 10s")) {
				t.Errorf("%+v", r)
			}
		})
		if n["fine"] != 10 || n["hangs"] != 10 || n["late"] != 5 {
			t.Errorf("%v", n)
		}
	})
}

// The end of the watcher is no fault of the source.
func TestRunTellsNothingOfAQueryThatItsEndCutShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		asked := func(ctx context.Context, _ window) (answer, error) {
			cancel()
			<-ctx.Done()
			return nil, ctx.Err()
		}
		Run(ctx, []*Compiled{every("a", time.Minute, asked)}, func(r Reading) { t.Errorf("told %+v", r) })
	})
}

func TestRunRefusesTwoSignalsOfOneName(t *testing.T) {
	err := Run(t.Context(), []*Compiled{every("a", time.Minute, one), every("a", time.Minute, one)}, nil)
	if err == nil || !strings.Contains(err.Error(), "two signals are named a") {
		t.Error(err)
	}
}

func TestAWhyIsOneLineOfBoundedLength(t *testing.T) {
	long := func(context.Context, window) (answer, error) {
		return nil, errors.New(strings.Repeat("bad\n\xff ", 10_000))
	}
	r := every("a", time.Minute, long).Evaluate(t.Context(), time.Now())
	if r.State != Broken || len(r.Why) > 1200 || strings.Contains(r.Why, "\n") || !utf8.ValidString(r.Why) {
		t.Errorf("%d bytes: %.100q", len(r.Why), r.Why)
	}
}
