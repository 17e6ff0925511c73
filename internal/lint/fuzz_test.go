package lint

import (
	"bytes"
	"path/filepath"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/aweigh/aweigh/internal/compose"
)

// Whatever a project says, the rules and the edits find their way through it.
func FuzzRun(f *testing.F) {
	for _, all := range examples {
		for _, e := range all {
			f.Add("services:\n  "+e.compose+"\n", e.dockerfile)
		}
	}
	f.Add("services:\n  a:\n    <<: {image: x}\n    build: .\n    healthcheck: {test: [CMD-SHELL, \"a | (b; `c`) && 'd\"]}\n", "FROM scratch\nCOPY [\"a\"]\n")
	f.Fuzz(func(t *testing.T, text, docker string) {
		dir := t.TempDir()
		path := filepath.Join(dir, "compose.yaml")
		write(t, path, text)
		write(t, filepath.Join(dir, "Dockerfile"), docker)
		p, err := compose.Load(t.Context(), compose.Choice{Files: []string{path}, Name: "shop", Lenient: true})
		if err != nil {
			return
		}
		host := Input{Project: p, Lacks: func(_ string, wanted []string) ([]string, bool) { return wanted, true }}
		image(Image{HealthTest: []string{"CMD-SHELL", "x"}, Entrypoint: []string{"sh", "-c", "a & b"}})(&host)
		findings := Run(host)
		var b bytes.Buffer
		if err := Text(&b, findings); err != nil {
			t.Fatal(err)
		}
		changed := apply(text, edits(fixable(findings)))
		var doc yaml.Node
		if err := yaml.Unmarshal([]byte(changed), &doc); err != nil {
			t.Logf("it would not be YAML, and is left: %v\n%s", err, changed)
		}
	})
}

func fixable(all []Finding) (some []Finding) {
	for _, f := range all {
		if f.edit != nil {
			some = append(some, f)
		}
	}
	return some
}
