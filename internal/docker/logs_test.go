package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/moby/moby/api/types/container"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/test/engine"
)

// A life's output begins before the engine's word of its start: at the end of
// the life before, or where nothing is known of that, a little earlier.
func TestOutputOfALifeIsReadFromBeforeItsStart(t *testing.T) {
	began := time.Date(2026, 11, 28, 3, 0, 0, 0, time.UTC)
	second, hour := time.Second, time.Hour
	for name, c := range map[string]struct {
		status   string
		created  time.Duration // before it began
		finished time.Duration // before it began; 0 for never
		restarts int
		want     time.Time
	}{
		"the first life":                 {"running", second, 0, 0, time.Time{}},
		"the first life, over":           {"exited", second, -second, 0, time.Time{}},
		"over before its start is noted": {"exited", second, time.Millisecond, 0, time.Time{}},
		"a later life":                   {"running", hour, second, 1, began.Add(-second)},
		"a later life, paused":           {"paused", hour, second, 1, began.Add(-second)},
		"a later life, over":             {"exited", hour, -second, 0, began.Add(-earlier)},
		"inspected in the next life":     {"running", hour, -second, 3, began.Add(-earlier)},
		"about to be restarted":          {"restarting", hour, time.Millisecond, 3, began.Add(-earlier)},
		"restarted at once, and over":    {"exited", second, -second, 1, began.Add(-earlier)},
	} {
		in := aweigh.Container{Status: c.status, Created: began.Add(-c.created), Started: began, RestartCount: c.restarts}
		if c.finished != 0 {
			in.Finished = began.Add(-c.finished)
		}
		if got := OutputFrom(&in, began); !got.Equal(c.want) {
			t.Errorf("%s: from %s, want %s", name, got, c.want)
		}
	}
}

// A watcher that is restarted takes up the output of what runs before it has asked the
// engine for anything, an older one than our client too: that refused, and the rest of
// the output was lost.
func TestOutputIsTheFirstThatAnOlderEngineIsAskedFor(t *testing.T) {
	e, err := engine.Listen(filepath.Join(t.TempDir(), "d.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	web := e.Add(engine.Spec{Name: "web"})
	web.Print(false, "listening\n")
	d, err := Open(e.Host())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	logs, err := d.Logs(t.Context(), web.ID, Span{})
	if err != nil {
		t.Fatal(err)
	}
	defer logs.Close()
	var said string
	if err := Frames(logs, true, func(_ bool, b []byte) { said += string(b) }); err != nil || said != "listening\n" {
		t.Errorf("read %q, %v", said, err)
	}
}

// To find a moment in its log an engine reads all that is before it. With two gigabytes of
// a life before, each restart of a container cost it a minute of its CPU.
func TestOutputInTheMidstOfALogIsAskedForByItsLastLines(t *testing.T) {
	now := time.Now()
	for want, span := range map[string]Span{"": {Follow: true}, "100000": {Since: now, Follow: true}, "20": {Since: now, Tail: 20}} {
		if got := span.query().Get("tail"); got != want {
			t.Errorf("%+v: tail %q, want %q", span, got, want)
		}
	}
}

// Podman reads the last lines of a log and goes on at its end: what comes in between is
// lost (libpod/logs/log.go, GetLogFile). Those are the first words of what was just
// restarted.
func TestPodmanIsNotAskedToFollowTheLastLines(t *testing.T) {
	for name, want := range map[string]string{"Podman Engine": "", "Engine": "100000"} {
		asked := make(chan string, 1)
		host := engine.Answer(t, map[string]http.HandlerFunc{
			"/version": func(w http.ResponseWriter, _ *http.Request) {
				fmt.Fprintf(w, `{"Components":[{"Name":%q,"Version":"4.3.1"}]}`, name)
			},
			"/containers/web/logs": func(w http.ResponseWriter, r *http.Request) { asked <- r.FormValue("tail") },
		})
		e, err := Open(host)
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		for follow, want := range map[bool]string{true: want, false: "100000"} {
			logs, err := e.Logs(t.Context(), "web", Span{Since: time.Now(), Follow: follow})
			if err != nil {
				t.Fatal(err)
			}
			logs.Close()
			if got := <-asked; got != want {
				t.Errorf("%s, follow %t: tail %q, want %q", name, follow, got, want)
			}
		}
	}
}

// A watcher with a stuck engine behind TLS could not be ended.
func TestAConnectionThatIsNeverMadeIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		here, there := net.Pipe()
		defer there.Close()
		_, err := dial(ctx, func(context.Context) (net.Conn, error) {
			time.Sleep(time.Hour)
			return here, nil
		})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		time.Sleep(2 * time.Hour)
		if _, err := there.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("what came of it late is left open: %v", err)
		}
	})
}

func TestEndOfALifeIsFoundAfterwards(t *testing.T) {
	e, err := engine.Listen(filepath.Join(t.TempDir(), "d.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	d, err := Open(e.Host())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	web := e.Add(engine.Spec{Name: "web"})
	if err := web.Start(); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if end, err := d.EndOf(t.Context(), web.ID, began); err != nil || !end.IsZero() {
		t.Errorf("of one that goes on: %s, %v", end, err)
	}
	died := web.Die(3)
	if end, err := d.EndOf(t.Context(), web.ID, began); err != nil || end.Sub(died).Abs() > time.Second {
		t.Errorf("of one that has ended: %s, %v; it did at %s", end, err, died)
	}
	if err := web.Start(); err != nil {
		t.Fatal(err)
	}
	if end, err := d.EndOf(t.Context(), web.ID, began); err != nil || end.Sub(died).Abs() > time.Second {
		t.Errorf("of one that another has followed: %s, %v; it did at %s", end, err, died)
	}
	web.Remove()
	if _, err := d.EndOf(t.Context(), web.ID, began); !errors.Is(err, ErrRefused) {
		t.Errorf("of one that is gone: %v", err)
	}
}

func TestCreationOfAContainerIsKnown(t *testing.T) {
	created := time.Date(2026, 11, 28, 3, 0, 0, 0, time.UTC)
	k := digest(container.InspectResponse{Created: created.Format(time.RFC3339Nano)})
	if !k.container.Created.Equal(created) {
		t.Errorf("created at %s, want %s", k.container.Created, created)
	}
}
