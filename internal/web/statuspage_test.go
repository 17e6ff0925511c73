package web

import (
	"strings"
	"testing"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/access"
)

// A service that loops is coming up each time that one looks: above its open
// incident the page said that all services were well.
func TestTheStatusPageCallsNobodyWellWhoLoops(t *testing.T) {
	w := newWorld(t, access.Rules{Open: true})
	w.good("sighook")
	for range 4 {
		w.crash("webhook")
	}
	c := container("webhook")
	w.fold(aweigh.Fact{Kind: aweigh.FactStarted, Instance: c.ID, Container: c})
	body := w.says("/status", "coming up", "crashed again and again", "One service has trouble.")
	if strings.Contains(body, "All services are well") {
		t.Error("and all are well")
	}
}
