package verify

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aweigh/aweigh/internal/core"
	"github.com/aweigh/aweigh/internal/docker"
)

// What had passed at once was not looked at again, however long the others took: a
// service that was dead by then was told to have passed.
func TestWhatEndsWhileOthersAreWaitedForHasNotPassed(t *testing.T) {
	looks := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		state := func(name, status string, ago time.Duration) {
			fmt.Fprintf(w, `{"Id":%q,"Name":"/%s","Config":{},"State":{"Status":%q,"StartedAt":%q,"FinishedAt":%q,"ExitCode":1}}`, name, name, status,
				time.Now().Add(-ago).Format(time.RFC3339Nano), time.Now().Add(-time.Hour).Format(time.RFC3339Nano))
		}
		w.Header().Set("Content-Type", "application/json")
		_, path, _ := strings.Cut(r.URL.Path, "/containers/")
		switch path {
		case "json":
			looks++ // the first round is two
			fmt.Fprint(w, `[{"Id":"early"},{"Id":"late"}]`)
		case "early/json":
			state("early", map[bool]string{true: "running", false: "exited"}[looks <= 2], time.Minute)
		case "late/json":
			state("late", "running", map[bool]time.Duration{true: time.Second, false: time.Minute}[looks <= 2])
		default:
			http.NotFound(w, r)
		}
	}))
	defer s.Close()
	engine, err := docker.Open("tcp://" + s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	r := Run(t.Context(), Config{Engine: engine, Within: time.Minute, Targets: []Target{{Service: "early", Settings: core.Defaults()}, {Service: "late", Settings: core.Defaults()}}})
	if r.Result != Failed || !slices.ContainsFunc(r.Checks, func(c Check) bool {
		return c.Service == "early" && c.Name == "running" && c.Found == "it has ended (exit status 1)"
	}) {
		t.Errorf("got %s: %+v", r.Result, r.Checks)
	}
}
