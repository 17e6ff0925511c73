package operator

import (
	"testing"
	"time"

	"github.com/aweigh/aweigh/internal/store"
)

// A person who hears of a deployment from `aweigh deploy` itself has heard of it.
func TestWhatADeploymentToldIsInTheOutboxAsSent(t *testing.T) {
	state := t.TempDir()
	n := deployment("deployed", []string{"web"}, nil, "shop-1")
	n.Deployment = "01D"
	if err := keepTold(t.Context(), state, []string{"ops"}, n); err != nil {
		t.Errorf("without a watcher: %v", err)
	}
	st, err := store.Open(t.Context(), state)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	for range 2 {
		if err := keepTold(t.Context(), state, []string{"ops", "mail"}, n); err != nil {
			t.Fatal(err)
		}
	}
	taken, err := st.Taken(t.Context(), time.Now().Add(-time.Minute))
	if err != nil || len(taken) != 2 || taken[0].Notification.Deployment != "01D" || taken[0].Route != "ops" {
		t.Errorf("%v %+v", err, taken)
	}
	if waiting, _, _ := st.Undelivered(t.Context()); waiting != 0 {
		t.Errorf("%d letters wait, and would be sent again", waiting)
	}
}
