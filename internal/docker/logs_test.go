package docker

import (
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"

	"github.com/aweigh/aweigh"
)

// A life's output begins before the engine's word of its start: at the end of
// the life before, or where nothing is known of that, a little earlier.
func TestOutputOfALifeIsReadFromBeforeItsStart(t *testing.T) {
	began := time.Date(2026, 11, 28, 3, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		container aweigh.Container
		want      time.Time
	}{
		"the first life, running":     {aweigh.Container{Created: began.Add(-time.Second), Started: began}, time.Time{}},
		"the first life, over":        {aweigh.Container{Created: began.Add(-time.Second), Started: began, Finished: began.Add(time.Second)}, time.Time{}},
		"a later life, running":       {aweigh.Container{Created: began.Add(-time.Hour), Started: began, Finished: began.Add(-time.Minute)}, began.Add(-time.Minute)},
		"a later life, over":          {aweigh.Container{Created: began.Add(-time.Hour), Started: began, Finished: began.Add(time.Second)}, began.Add(-earlier)},
		"restarted at once, and over": {aweigh.Container{Created: began.Add(-time.Second), Started: began, Finished: began.Add(time.Second), RestartCount: 1}, began.Add(-earlier)},
		"its creation is not known":   {aweigh.Container{Started: began, Finished: began.Add(time.Second)}, began.Add(-earlier)},
	} {
		if got := OutputFrom(&c.container, began); !got.Equal(c.want) {
			t.Errorf("%s: from %s, want %s", name, got, c.want)
		}
	}
}

func TestCreationOfAContainerIsKnown(t *testing.T) {
	created := time.Date(2026, 11, 28, 3, 0, 0, 0, time.UTC)
	k := digest(container.InspectResponse{Created: created.Format(time.RFC3339Nano)})
	if !k.container.Created.Equal(created) {
		t.Errorf("created at %s, want %s", k.container.Created, created)
	}
}
