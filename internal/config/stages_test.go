package config

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestStagesKeepTheirOrder(t *testing.T) {
	dir := t.TempDir()
	c, err := Parse(filepath.Join(dir, "aweigh.yaml"), []byte(`
stages:
  staging:
    files: [compose.yaml, /srv/staging.yaml]
    soak: 1h
    stubs: stubs.yaml
    trial: stub
    before:
      apply: ["./migrate 'all of it'", ./tell]
    after: {rollback: ./tell rolled-back}
  production: {context: prod}
`))
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Stages) != 2 || c.Stages[0].Name != "staging" || c.Stages[1].Context != "prod" {
		t.Fatalf("got %+v", c.Stages)
	}
	s := c.Stages[0]
	if want := []string{filepath.Join(dir, "compose.yaml"), "/srv/staging.yaml"}; !slices.Equal(s.Files, want) || s.Stubs != filepath.Join(dir, "stubs.yaml") {
		t.Errorf("files %q, stubs %q", s.Files, s.Stubs)
	}
	if s.Soak != time.Hour || s.Within != 5*time.Minute || c.Stages[1].Trial != "real" {
		t.Errorf("got %+v", s)
	}
	if apply := s.Before["apply"]; len(apply) != 2 || !slices.Equal(apply[0], Command{"./migrate", "all of it"}) || len(s.After["rollback"]) != 1 {
		t.Errorf("hooks %q, %q", s.Before, s.After)
	}
}

func TestStageThatCannotBeIsTold(t *testing.T) {
	for text, want := range map[string]string{
		"a: {trial: stub}":                       "needs stubs",
		"a: {docker: 'unix:///x', context: y}":   "exclude each other",
		"a: {before: {apply: 'x && y'}}":         "needs a shell",
		"a: {after: {soak: 'echo `id`'}}":        "needs a shell",
		"a: {before: {lunch: x}}":                "no key",
		"'a b': {}":                              "a stage's name",
		"a: {soak: soon}":                        "soak",
		"a: {files: ''}":                         "empty",
		"a: {docker: nonsense, migrations: '|'}": "not an engine",
	} {
		if _, err := Parse("aweigh.yaml", []byte("stages: {"+text+"}\n")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", text, err)
		}
	}
}
