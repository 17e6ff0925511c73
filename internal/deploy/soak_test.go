package deploy

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aweigh/aweigh/internal/compose"
	"github.com/aweigh/aweigh/internal/docker"
	"github.com/aweigh/aweigh/internal/verify"
)

// The next release was built, or pulled, under the same tag while this one was watched: what
// ran was no longer what the tag meant, and was rolled back for that.
func TestSoakMindsNoTagThatMoves(t *testing.T) {
	engine, _ := engineWith(t, map[string]string{"web:latest": "sha256:next"}, box("a", "web", "web:latest", "sha256:this", "running"))
	dir := t.TempDir()
	file := filepath.Join(dir, "compose.yaml")
	if err := os.WriteFile(file, []byte("services: {web: {image: 'web:latest'}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := Stage{Name: "local", Project: "shop", Dir: dir, Files: []string{file}, Services: []string{"web"}, Soak: time.Second}
	project, err := compose.Load(t.Context(), s.Choice())
	if err != nil {
		t.Fatal(err)
	}
	s.Sum = Sum(project)
	d, err := Begin(t.TempDir(), Plan{ID: "01JDQ4X0000000000000000000", Stages: []Stage{s}})
	if err = errors.Join(err, d.keep("local/before.json", []byte("{}"))); err != nil {
		t.Fatal(err)
	}
	r := &run{Deployment: d, engines: map[string]*docker.Engine{"": engine}, Tools: Tools{Out: &Progress{W: io.Discard},
		Targets: func(*compose.Project, []string) []verify.Target {
			return []verify.Target{{Service: "web", Project: "shop", Images: []string{"web:latest"}}}
		}}}
	if said, err := r.soak(t.Context(), &s); err != nil {
		t.Errorf("%s, %v", said, err)
	}
}
