package operator

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/aweigh/aweigh/internal/config"
	"github.com/aweigh/aweigh/internal/deploy"
)

// The .env that names the files with COMPOSE_FILE has the variables as well, and the files
// are in a directory of their own: the deployment found them to be others than it had begun
// with, and did nothing.
func TestStageKeepsTheVariablesOfTheDirectoryThatItWasPlannedIn(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for name, text := range map[string]string{".env": "COMPOSE_FILE=docker/compose.yaml\nTAG=7\nA=here\n", "docker/.env": "A=there\nB=1\n",
		"docker/compose.yaml": "services:\n  web:\n    image: example/web:${TAG}\n    environment: [\"A=${A}\", \"B=${B}\"]\n"} {
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err := new(deployFlags).stageOf(t.Context(), &config.Config{}, config.Stage{Name: "local"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir("/")
	d := deploy.Deployment{Plan: deploy.Plan{Stages: []deploy.Stage{s}}}
	if err := d.Fits(t.Context()); err != nil {
		t.Errorf("%v; env files %q", err, s.EnvFiles)
	}
}
