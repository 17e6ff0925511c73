package drill

import (
	"testing"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/notify"
)

func TestTheMailServerRefusesWhileItIsDownAndTakesMailAfterwards(t *testing.T) {
	m, err := openMailServer()
	if err != nil {
		t.Fatal(err)
	}
	s, err := notify.Parse(m.route())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	send := func() error {
		return s.Send(t.Context(), notify.Compose(&aweigh.Notification{ID: aweigh.NewID(time.Now()), Occasion: aweigh.OnTest, At: time.Now(), Title: "a drill"}))
	}
	m.down()
	if err := send(); err == nil {
		t.Error("a server that is down took a mail")
	}
	if err := m.up(); err != nil {
		t.Fatal(err)
	}
	defer m.down()
	if err := send(); err != nil {
		t.Error(err)
	}
	if _, ok := m.first(); !ok {
		t.Error("it took no mail")
	}
}
