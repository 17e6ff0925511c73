package web

import (
	"strings"
	"testing"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/access"
)

// What runs without a container is called run:ID, of which a start keeps twelve
// characters: all that were started within a second have the same, and the page of
// one told what was seen of another.
func TestAStartWithoutAContainerShowsWhatWasSeenOfItself(t *testing.T) {
	w := newWorld(t, access.Rules{Open: true})
	ids := []string{"01M8JV2DW641A9SNWR6QR0095E", "01M8JV2DW69GTZ4F183VZND2RR"}
	for n, service := range []string{"web", "worker"} {
		c := &aweigh.Container{ID: "run:" + ids[n], Name: service, Service: service, Engine: "run"}
		w.fold(aweigh.Fact{At: w.now, Kind: aweigh.FactStarted, Instance: c.ID, Container: c, Said: &aweigh.Said{Event: "start.begin", Start: ids[n]}})
	}
	for n, service := range []string{"web", "worker"} {
		w.fold(aweigh.Fact{At: w.now, Kind: aweigh.FactDied, Instance: "run:" + ids[n], Exit: &aweigh.Exit{Code: 1}, Reason: "the end of " + service})
	}
	for n, service := range []string{"web", "worker"} {
		if one := w.newest(service); one.ID != ids[n] {
			t.Fatalf("the start of %s is %s", service, one.ID)
		}
		body := w.says("/starts/" + ids[n])
		_, seen, _ := strings.Cut(body, "What was seen")
		seen, _, _ = strings.Cut(seen, "</table>")
		if !strings.Contains(seen, "the end of "+service) || strings.Count(seen, "the end of") != 1 {
			t.Errorf("of %s was seen %s", service, seen)
		}
	}
}
