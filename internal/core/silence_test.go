package core_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aweigh/aweigh"
)

func TestASilenceIsToldOfAServiceThatTalks(t *testing.T) {
	for _, talks := range []bool{true, false} {
		h := newHistory(t)
		c := box("w1", "webhook")
		h.start(c)
		h.answer(c, true)
		every := 30 * time.Second
		if !talks {
			every = 4 * time.Minute // it pauses now and then
		}
		for range 180 {
			h.apply(aweigh.Fact{Kind: aweigh.FactTalked, Instance: "w1"})
			h.pass(every)
		}
		h.pass(10 * time.Minute)
		if !talks {
			h.noIncident()
			continue
		}
		want(t, "kind", h.only().Kind, aweigh.Silence)
		h.apply(aweigh.Fact{Kind: aweigh.FactTalked, Instance: "w1"})
		h.pass(2 * time.Minute)
		want(t, "told", h.occasions(), "ready opened resolved")
	}
}

// Once a day it was forgotten that a service pauses: one that logs every ten minutes
// was told five times within the hour.
func TestServiceThatPausesIsRememberedFromDayToDay(t *testing.T) {
	h := newHistory(t)
	c := box("w1", "webhook")
	h.start(c)
	h.answer(c, true)
	talk := func(times int, every time.Duration) {
		for range times {
			h.apply(aweigh.Fact{Kind: aweigh.FactTalked, Instance: "w1"})
			h.pass(every)
		}
	}
	talk(6*60, 10*time.Minute)
	h.noIncident()
	talk(2*60*49, 30*time.Second) // it talks all the time now
	h.pass(10 * time.Minute)
	want(t, "kind", h.only().Kind, aweigh.Silence)
	talk(4, 30*time.Second)
	h.pass(10 * time.Minute)
	want(t, "told", h.occasions(), "ready opened resolved raised")
	if said := h.only().Summary; !strings.HasSuffix(said, "it never paused for longer than 30s before") {
		t.Error(said)
	}
}

// Where a line now and then began the settling, which had grown long, the incident was
// resolved with "its log goes on" after a quarter of an hour without a line, and opened
// again at once.
func TestSilenceIsNotOverWhileItLasts(t *testing.T) {
	h := newHistory(t)
	c := box("w1", "webhook")
	h.start(c)
	h.answer(c, true)
	talk := func() { h.apply(aweigh.Fact{Kind: aweigh.FactTalked, Instance: "w1"}) }
	for range 180 {
		talk()
		h.pass(30 * time.Second)
	}
	h.pass(10 * time.Minute)
	for range 4 {
		talk()
		h.pass(20 * time.Minute)
	}
	want(t, "told", h.occasions(), "ready opened resolved raised resolved raised resolved raised")
	want(t, "count", h.only().Count, 5)
	want(t, "open", h.only().Resolved == nil, true)
}

// A watcher that came back after more than `silence`, an engine that did, and a
// service that had been down so long were each told as a silence at once. The time
// that they were away was learned as a pause as well, and so no silence was told
// for a day.
func TestWhatNobodyCouldHearIsNoSilence(t *testing.T) {
	for name, away := range map[string]func(h *history, c *aweigh.Container){
		"the watcher was away": func(h *history, c *aweigh.Container) {
			since := h.now
			h.now = h.now.Add(10 * time.Minute)
			h.apply(aweigh.Fact{Kind: aweigh.FactWatching, Since: since})
		},
		"the engine was away": func(h *history, c *aweigh.Container) {
			h.apply(aweigh.Fact{Kind: aweigh.FactLost})
			h.pass(10 * time.Minute)
			h.apply(aweigh.Fact{Kind: aweigh.FactRegained})
		},
		"it was down": func(h *history, c *aweigh.Container) {
			h.die(c, 1)
			h.pass(10 * time.Minute)
			h.start(c)
			h.answer(c, true)
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHistory(t)
			silences := func() (n int) {
				for _, one := range h.incidents {
					if one.Kind == aweigh.Silence {
						n++
					}
				}
				return n
			}
			talk := func(n int) {
				for range n {
					h.apply(aweigh.Fact{Kind: aweigh.FactTalked, Instance: "w1"})
					h.pass(30 * time.Second)
				}
			}
			c := box("w1", "webhook")
			h.start(c)
			h.answer(c, true)
			talk(180)
			away(h, c)
			h.pass(10 * time.Second)
			want(t, "silences at once", silences(), 0)
			talk(4)
			h.pass(10 * time.Minute)
			want(t, "silences later", silences(), 1)
		})
	}
}
