package preflight

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/types"

	"github.com/aweigh/aweigh/internal/compose"
	"github.com/aweigh/aweigh/internal/docker"
)

// saying is a trial of web with a Compose that says this, and fails, on an engine that
// has nothing.
func saying(t *testing.T, words string) *flight {
	t.Helper()
	dir := t.TempDir()
	script := "#!/bin/sh\ncase \"$*\" in *version*) echo 1.29.2;; *) echo '" + words + "'; exit 1;; esac\n"
	if err := os.WriteFile(filepath.Join(dir, "docker-compose"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	tool, err := compose.FindTool(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Api-Version", "1.41")
		if strings.HasSuffix(r.URL.Path, "/volumes") {
			fmt.Fprint(w, "{}")
			return
		}
		fmt.Fprint(w, "[]")
	}))
	t.Cleanup(s.Close)
	engine, err := docker.Open("tcp://" + s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { engine.Close() })
	file := filepath.Join(dir, "compose.yaml")
	if err := os.WriteFile(file, []byte("services: {web: {image: x}}"), 0o600); err != nil {
		t.Fatal(err)
	}
	web := types.ServiceConfig{Name: "web"}
	web.Image = "x"
	return &flight{broken: map[string]bool{}, Config: Config{Engine: engine, Tool: tool, Services: []string{"web"}, Choice: compose.Choice{Files: []string{file}, Dir: dir}, Tell: func(string) {},
		Project: &compose.Project{Project: &types.Project{Name: "shop", Services: types.Services{"web": web}}, Sources: []*compose.Source{{Path: file}}}}}
}

// A network whose subnet is said there can be only once on an engine: the project that
// runs has it, and no deployment of it passed.
func TestTrialWhoseNetworkIsInUseIsUnknown(t *testing.T) {
	f := saying(t, "Pool overlaps with other one on this address space")
	if got := f.trial(t.Context()); len(got) != 1 || got[0].Verdict != Unknown || !strings.Contains(got[0].Found, "subnet") {
		t.Errorf("got %+v", got)
	}
	f = saying(t, "Service web has neither an image nor a build context")
	if got := f.trial(t.Context()); len(got) != 1 || got[0].Verdict != Failed {
		t.Errorf("got %+v", got)
	}
}
