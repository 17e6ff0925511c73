package core_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/core"
)

// crowd is a state with n services that are up and answer.
func crowd(n int) (*core.State, []*aweigh.Container, time.Time) {
	settings := core.Defaults()
	s := core.New("aws-1", func(string, map[string]string) core.Settings { return settings })
	now := midnight
	var boxes []*aweigh.Container
	for k := range n {
		c := box(fmt.Sprintf("%064x", k+1), fmt.Sprintf("service-%d", k))
		boxes = append(boxes, c)
		s.Apply(aweigh.Fact{Kind: aweigh.FactStarted, At: now, Instance: c.ID, Container: c})
		s.Apply(aweigh.Fact{Kind: aweigh.FactAnswered, At: now.Add(time.Second), Instance: c.ID, OK: true, Target: "tcp://172.17.0.9:5003"})
	}
	for next := s.Next(); !next.IsZero() && next.Before(now.Add(time.Hour)); next = s.Next() {
		s.Apply(aweigh.Fact{Kind: aweigh.FactTick, At: next})
	}
	return s, boxes, now.Add(time.Hour)
}

func BenchmarkApply(b *testing.B) {
	for name, fact := range map[string]func(n int, c *aweigh.Container) aweigh.Fact{
		"talked":   func(int, *aweigh.Container) aweigh.Fact { return aweigh.Fact{Kind: aweigh.FactTalked} },
		"answered": func(int, *aweigh.Container) aweigh.Fact { return aweigh.Fact{Kind: aweigh.FactAnswered, OK: true} },
		"seen": func(_ int, c *aweigh.Container) aweigh.Fact {
			return aweigh.Fact{Kind: aweigh.FactSeen, Container: c}
		},
		"crash": func(n int, c *aweigh.Container) aweigh.Fact { // a storm of crashes: death, start
			if n%2 == 0 {
				return aweigh.Fact{Kind: aweigh.FactDied, ID: fmt.Sprint("die/", n), Exit: &aweigh.Exit{Code: 1}, Reason: "KeyError: 'DATABASE'", Lines: []string{"boom"}}
			}
			return aweigh.Fact{Kind: aweigh.FactStarted, ID: fmt.Sprint("start/", n), Container: c}
		},
	} {
		b.Run(name, func(b *testing.B) {
			s, boxes, now := crowd(500)
			b.ReportAllocs()
			b.ResetTimer()
			for n := 0; b.Loop(); n++ {
				c := boxes[n/2%len(boxes)]
				f := fact(n, c)
				f.Instance, f.At = c.ID, now.Add(time.Duration(n)*10*time.Millisecond)
				s.Apply(f)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "facts/s")
		})
	}
}

// The loop asks for the next tick after each batch.
func BenchmarkNext(b *testing.B) {
	for _, n := range []int{10, 500} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s, _, _ := crowd(n)
			b.ReportAllocs()
			for b.Loop() {
				s.Next()
			}
		})
	}
}

// All that crash at once, and wait for a proof.
func BenchmarkNextInTrouble(b *testing.B) {
	s, boxes, now := crowd(500)
	for n, c := range boxes {
		at := now.Add(time.Duration(n) * time.Millisecond)
		s.Apply(aweigh.Fact{Kind: aweigh.FactDied, At: at, Instance: c.ID, Exit: &aweigh.Exit{Code: 1}})
		s.Apply(aweigh.Fact{Kind: aweigh.FactStarted, At: at.Add(100 * time.Millisecond), Instance: c.ID, Container: c})
	}
	b.ReportAllocs()
	for b.Loop() {
		s.Next()
	}
}
