package core_test

import (
	"testing"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/core"
)

// shell is what `docker compose run webhook sh` makes. Its id comes first.
func shell() *aweigh.Container {
	c := box("a1", "webhook")
	c.OneOff, c.Policy = true, "no"
	return c
}

// A service hung, and a person looked into it with `docker compose run`. When
// they left their shell, the incident was resolved: "ready again".
func TestLeavingAShellResolvesNothing(t *testing.T) {
	h := newHistory(t)
	c, sh := box("w1", "webhook"), shell()
	h.start(c)
	h.answer(c, false)
	h.pass(3 * time.Minute)
	for _, code := range []int{0, 1} {
		h.start(sh)
		h.pass(time.Minute)
		h.die(sh, code)
		h.apply(aweigh.Fact{Kind: aweigh.FactRemoved, Instance: sh.ID})
	}
	h.die(c, 1) // and is down until the engine starts it again
	h.start(sh)
	h.answer(sh, true)
	h.pass(time.Second)
	h.die(sh, 0)
	h.apply(aweigh.Fact{Kind: aweigh.FactRemoved, Instance: sh.ID})
	h.pass(10 * time.Minute)
	want(t, "told", h.occasions(), "opened")
}

func TestFailuresOfAOneOffAreNotThoseOfTheService(t *testing.T) {
	h := newHistory(t)
	c, tests := box("w1", "webhook"), shell()
	h.start(c)
	h.answer(c, true)
	for range 3 {
		h.start(tests)
		h.pass(10 * time.Second)
		h.die(tests, 1)
	}
	h.die(c, 1)
	want(t, "kind", h.only().Kind, aweigh.UnexpectedRestart)
	want(t, "count", h.only().Count, 1)
}

func TestAOneOffDoesNotHideThatAServiceIsNotConfirmed(t *testing.T) {
	h := newHistory(t, func(c *core.Settings) { c.StartupTimeout = 10 * time.Minute })
	c := box("w1", "webhook")
	h.start(shell())
	h.start(c)
	h.answer(c, false)
	h.pass(3 * time.Minute)
	want(t, "kind", h.only().Kind, aweigh.StartupUnconfirmed)
}
