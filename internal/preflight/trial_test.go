package preflight

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/moby/moby/api/types/container"

	"github.com/aweigh/aweigh/internal/compose"
	"github.com/aweigh/aweigh/internal/docker"
	"github.com/aweigh/aweigh/internal/verify"
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

// engineOf is an engine that has every image, with these programs in it.
func engineOf(t *testing.T, programs ...string) *docker.Engine {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Api-Version", "1.41")
		switch {
		case strings.HasSuffix(r.URL.Path, "/archive"):
			if !slices.Contains(programs, r.FormValue("path")) {
				http.Error(w, "{}", http.StatusNotFound)
				return
			}
			w.Header().Set("X-Docker-Container-Path-Stat", base64.StdEncoding.EncodeToString([]byte(`{"mode": 493}`)))
		case strings.HasSuffix(r.URL.Path, "/containers/create"):
			w.WriteHeader(http.StatusCreated)
			fmt.Fprint(w, `{"Id": "look"}`)
		default:
			fmt.Fprint(w, `{"Id": "sha256:1", "Config": {"Env": ["PATH=/usr/bin"], "Entrypoint": ["entry"], "Cmd": ["cmd"]}}`)
		}
	}))
	t.Cleanup(s.Close)
	engine, err := docker.Open("tcp://" + s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { engine.Close() })
	return engine
}

// A service whose compose file has a PATH of its own, or that gets its entrypoint as a
// config, was refused: the image alone was looked at.
func TestProgramIsLookedForWhereTheContainerWillHaveIt(t *testing.T) {
	f := &flight{Config: Config{Engine: engineOf(t, "/usr/bin/python", "/opt/venv/bin/gunicorn")}}
	dirs := "/opt/venv/bin:/usr/bin"
	for what, c := range map[string]struct {
		program string
		change  func(*types.ServiceConfig)
		want    Verdict
	}{
		"in the image's PATH":   {"python", func(*types.ServiceConfig) {}, Passed},
		"nowhere":               {"gunicorn", func(*types.ServiceConfig) {}, Failed},
		"in the service's PATH": {"gunicorn", func(s *types.ServiceConfig) { s.Environment = types.MappingWithEquals{"PATH": &dirs} }, Passed},
		"a config": {"/entry.sh", func(s *types.ServiceConfig) {
			s.Configs = []types.ServiceConfigObjConfig{{Source: "entry", Target: "/entry.sh"}}
		}, Skipped},
		"a config at its name": {"/entry", func(s *types.ServiceConfig) { s.Configs = []types.ServiceConfigObjConfig{{Source: "entry"}} }, Skipped},
		"another config": {"/entry.sh", func(s *types.ServiceConfig) {
			s.Configs = []types.ServiceConfigObjConfig{{Source: "x", Target: "/entry"}}
		}, Failed},
		"a secret": {"/run/secrets/entry", func(s *types.ServiceConfig) { s.Secrets = []types.ServiceSecretConfig{{Source: "entry"}} }, Skipped},
	} {
		s := types.ServiceConfig{Name: "web"}
		s.Image, s.Entrypoint = "x", []string{c.program}
		c.change(&s)
		if got := f.entrypoint(t.Context(), s); got.Verdict != c.want {
			t.Errorf("%s: %+v", what, got)
		}
	}
}

// Compose copies what a file says inline into a container as it starts it. A copy that we
// start has none of it, and failed.
func TestServiceThatIsGivenFilesOfTheComposeFileItselfIsNotBooted(t *testing.T) {
	web := types.ServiceConfig{Name: "web"}
	web.Configs = []types.ServiceConfigObjConfig{{Source: "conf"}}
	for what, c := range map[string]struct {
		conf types.ConfigObjConfig
		want Verdict
	}{
		"inline":        {types.ConfigObjConfig{Content: "a: 1"}, Unknown},
		"by a variable": {types.ConfigObjConfig{Environment: "CONF"}, Unknown},
		"a file":        {types.ConfigObjConfig{File: "/srv/conf"}, ""},
	} {
		f := &flight{broken: map[string]bool{}, Config: Config{Engine: engineOf(t), Tell: func(string) {},
			Project: &compose.Project{Project: &types.Project{Services: types.Services{"web": web}, Configs: types.Configs{"conf": c.conf}}}}}
		b := &booth{flight: f, project: "trial-1", running: map[string]string{}, models: map[string]docker.Twin{"web": {Config: &container.Config{Image: "x", Labels: map[string]string{}}, Host: &container.HostConfig{}}}}
		if got, _ := b.start(t.Context(), "web"); got.Verdict != c.want {
			t.Errorf("%s: %+v", what, got)
		}
	}
}

// docker-compose 1.29 makes the containers of a project in the order of dependence, and
// waited for ever for the end of a job that was only made.
func TestTrialWaitsForNoJobThatIsNotStarted(t *testing.T) {
	web, job := types.ServiceConfig{Name: "web"}, types.ServiceConfig{Name: "job"}
	web.Image, job.Image = "web:1", "job:1"
	web.DependsOn = types.DependsOnConfig{"job": {Condition: types.ServiceConditionCompletedSuccessfully, Required: true}, "db": {Condition: types.ServiceConditionHealthy, Required: true}}
	b := &booth{project: "trial-1", flight: &flight{Config: Config{Services: []string{"job", "web"}, Project: &compose.Project{Project: &types.Project{Services: types.Services{"web": web, "job": job}}, Sources: []*compose.Source{{}}}}}}
	text, err := b.overlay()
	if want := "services:\n    job:\n        image: job:1\n    web:\n        depends_on:\n            job:\n                condition: service_started\n        image: web:1\n"; err != nil || string(text) != want {
		t.Errorf("%v\n%s", err, text)
	}
}

// `entrypoint: []` is how a compose file takes the image's ENTRYPOINT away. The engine runs
// the image's CMD then; preflight knew of nothing to start, and refused.
func TestWhatIsStartedIsWhatTheEngineMakesOfIt(t *testing.T) {
	f := &flight{Config: Config{Engine: engineOf(t)}} // whose images have ENTRYPOINT entry, CMD cmd
	for what, c := range map[string]struct {
		entrypoint, command types.ShellCommand
		want                string
	}{
		"as the image says":        {nil, nil, "entry cmd"},
		"another command":          {nil, types.ShellCommand{"do"}, "entry do"},
		"an empty command":         {nil, types.ShellCommand{}, "entry cmd"},
		"another entrypoint":       {types.ShellCommand{"go"}, nil, "go"},
		"no entrypoint":            {types.ShellCommand{}, nil, "cmd"},
		"a command alone":          {types.ShellCommand{}, types.ShellCommand{"do"}, "do"},
		"both":                     {types.ShellCommand{"go"}, types.ShellCommand{"do"}, "go do"},
		"an entrypoint, and empty": {types.ShellCommand{"go"}, types.ShellCommand{}, "go"},
	} {
		s := types.ServiceConfig{Name: "web"}
		s.Image, s.Entrypoint, s.Command = "x", c.entrypoint, c.command
		if argv, _, err := f.argv(t.Context(), s); err != nil || strings.Join(argv, " ") != c.want {
			t.Errorf("%s: got %q, %v; want %s", what, argv, err, c.want)
		}
	}
}

// A service that a provider stands in for has neither image nor container. It was "not here,
// and cannot be pulled", and no project with one passed.
func TestServiceOfAProviderHasNoImageToBeLookedAt(t *testing.T) {
	model := types.ServiceConfig{Name: "model"}
	model.Provider = &types.ServiceProviderConfig{Type: "model"}
	f := &flight{broken: map[string]bool{}, Config: Config{Engine: engineOf(t), Tell: func(string) {}, Services: []string{"model"},
		Project: &compose.Project{Project: &types.Project{Services: types.Services{"model": model}}, Sources: []*compose.Source{{}}}}}
	for _, c := range append(f.images(t.Context()), f.entrypoints(t.Context())...) {
		if c.Verdict != Skipped {
			t.Errorf("%+v", c)
		}
	}
	text, err := (&booth{flight: f, project: "trial-1"}).overlay()
	if err != nil || strings.Contains(string(text), "model") {
		t.Errorf("%s, %v", text, err)
	}
}

// The volume of a fixed name was made for the trial before the project had one. Killed
// there, the trial left it to the project, and the next one removed it as its own, with
// what the project had come to keep in it.
func TestTrialMakesNothingUnderANameThatIsTheProjects(t *testing.T) {
	b := &booth{project: "trial-1", flight: &flight{Config: Config{Project: &compose.Project{Sources: []*compose.Source{{}}, Project: &types.Project{Name: "shop",
		Volumes:  types.Volumes{"own": {Name: "shop_own"}, "fixed": {Name: "shop-data"}, "theirs": {Name: "data", External: true}},
		Networks: types.Networks{"default": {Name: "shop_default"}, "front": {Name: "front"}, "proxy": {Name: "proxy", External: true}}}}}}}
	text, err := b.overlay()
	if want := "networks:\n    front:\n        name: trial-1_front\nservices: {}\nvolumes:\n    fixed:\n        name: trial-1_fixed\n"; err != nil || string(text) != want {
		t.Errorf("%v\n%s", err, text)
	}
}

// A database that gets its password from a variable, as a secret, is not booted. The web
// behind it found none, and no deployment of it passed.
func TestServiceThatFailsWithoutWhatWasNotBootedIsUnknown(t *testing.T) {
	f := saying(t, "")
	db, web, edge := types.ServiceConfig{Name: "db"}, types.ServiceConfig{Name: "web"}, types.ServiceConfig{Name: "edge"}
	db.Secrets = []types.ServiceSecretConfig{{Source: "password"}}
	web.DependsOn = types.DependsOnConfig{"db": {Condition: types.ServiceConditionHealthy, Required: true}}
	edge.DependsOn = types.DependsOnConfig{"web": {Condition: types.ServiceConditionStarted, Required: true}}
	f.Project.Project = &types.Project{Services: types.Services{"db": db, "web": web, "edge": edge}, Secrets: types.Secrets{"password": {Environment: "PASSWORD"}}}
	f.Target = func(service string) verify.Target { return verify.Target{Service: service} }
	b := &booth{flight: f, project: "trial-1", running: map[string]string{}, models: map[string]docker.Twin{"db": {Host: &container.HostConfig{}}}}
	if c := b.prove(t.Context(), "web", time.Now()); c.Verdict != Failed {
		t.Errorf("on its own: %+v", c)
	}
	b.start(t.Context(), "db")
	for _, name := range []string{"web", "edge"} {
		if c := b.prove(t.Context(), name, time.Now()); c.Verdict != Unknown || !strings.Contains(c.Found, "db was not booted") {
			t.Errorf("%s: %+v", name, c)
		}
	}
}
