package notify

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aweigh/aweigh"
)

// What docs/notifications.md shows can be pasted.
func TestTheRoutesInTheDocsAreTaken(t *testing.T) {
	docs, err := os.ReadFile("../../docs/notifications.md")
	if err != nil {
		t.Fatal(err)
	}
	urls := regexp.MustCompile(`(?m)^(?:[a-z]+(?:\+https?)?://|command:)\S+$`).FindAllString(string(docs), -1)
	if len(urls) < 10 {
		t.Errorf("only %d routes in the docs", len(urls))
	}
	for _, url := range urls {
		// The files that they name are the reader's.
		if _, err := Parse(Route{Name: "r", URL: url}); err != nil && !strings.Contains(err.Error(), "no such file") {
			t.Errorf("%s: %v", url, err)
		}
	}
}

// From Wake to the acceptance by a local mail server, through the outbox.
func TestFromTheOutboxToAMailServerInMilliseconds(t *testing.T) {
	s := mailServer(t, "plain")
	b := newBox()
	d, err := NewDeliverer(b, []Route{{Name: "r", URL: "smtp://127.0.0.1:" + s.port + "/?to=a@example.com"}}, discard)
	if err != nil {
		t.Fatal(err)
	}
	stop := background(d)
	defer stop()
	best := time.Hour
	for range Burst {
		began := time.Now()
		b.add("r", aweigh.NewID(began), aweigh.Critical)
		d.Wake()
		s.mail()
		best = min(best, time.Since(began))
	}
	t.Logf("the best of %d took %v", Burst, best)
	if best > 250*time.Millisecond { // generous: the race detector, a busy machine
		t.Errorf("the best of %d took %v", Burst, best)
	}
}
