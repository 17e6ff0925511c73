package compose

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// project writes files into a directory and loads it.
func project(t *testing.T, files map[string]string, c Choice) (*Project, error) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	return Load(t.Context(), c)
}

// A deployment from a directory below the compose file had other variables in its plan
// than in its steps, and refused itself: the files were "no longer what it began with".
func TestEnvFileBesideAComposeFileThatIsFoundAboveCounts(t *testing.T) {
	for what, c := range map[string]struct{ dir, named string }{"above": {"sub", ""}, "named by COMPOSE_FILE": {"elsewhere", "../compose.yaml"}} {
		t.Run(what, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range map[string]string{"compose.yaml": "name: shop\nservices:\n  web:\n    image: example/web:${TAG}\n", ".env": "TAG=7\n"} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Mkdir(filepath.Join(dir, c.dir), 0o700); err != nil {
				t.Fatal(err)
			}
			t.Chdir(filepath.Join(dir, c.dir))
			if c.named != "" {
				t.Setenv("COMPOSE_FILE", c.named)
			}
			p, err := Load(t.Context(), Choice{})
			if err != nil || p.Services["web"].Image != "example/web:7" || len(p.Unset) > 0 {
				t.Errorf("%v, %v", p.Services["web"].Image, err)
			}
		})
	}
}

func TestPlacesAreThoseOfTheFileThatCounts(t *testing.T) {
	p, err := project(t, map[string]string{
		"compose.yaml": `
x-base: &base
  restart: always
  healthcheck:
    interval: 5s
services:
  web:
    <<: *base
    image: example/web:1
    environment:
      - A=1
      - B
    depends_on: [db]
  db: {image: "example/db:1"}
`,
		"compose.override.yaml": "services:\n  web:\n    image: example/web:2\n"}, Choice{})
	if err != nil {
		t.Fatal(err)
	}
	for want, path := range map[string][]string{
		"compose.override.yaml:3:5": {"services", "web", "image"},
		"compose.yaml:3:3":          {"services", "web", "restart"},              // by the anchor
		"compose.yaml:4:3":          {"services", "web", "healthcheck", "start"}, // what would have it
		"compose.yaml:11:9":         {"services", "web", "environment", "A"},     // an item of a list
		"compose.yaml:13:18":        {"services", "web", "depends_on", "db"},     //
		"compose.yaml:14:8":         {"services", "db", "image"},                 // in a flow mapping
		"compose.override.yaml":     {"volumes"},                                 // nobody says it
	} {
		if got := p.At(path...).String(); got != want && !strings.HasPrefix(got, want+":1:1") {
			t.Errorf("%v: got %s, want %s", path, got, want)
		}
	}
	if text, ok := p.Text("services", "web", "healthcheck", "interval"); !ok || text != "5s" {
		t.Errorf("got %q, %v", text, ok)
	}
}

func TestUnsetVariablesAreListed(t *testing.T) {
	files := map[string]string{"compose.yaml": `
services:
  web:
    image: example/web:${TAG}
    environment:
      A: $NAME and $$ESCAPED and ${WITH:-default} and ${EMPTY-}
      B: ${MUST:?say which}
      C: ${SET}
`, ".env": "SET=1\n"}
	if _, err := project(t, files, Choice{}); err == nil || !strings.Contains(err.Error(), "MUST") {
		t.Errorf("a variable that must be set: %v", err)
	}
	p, err := project(t, files, Choice{Lenient: true})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, v := range p.Unset {
		text := v.Place.String() + " " + v.Name
		if v.Required {
			text += " must: " + v.Why
		}
		got = append(got, text)
	}
	if want := "compose.yaml:4:12 TAG, compose.yaml:6:10 NAME, compose.yaml:7:10 MUST must: say which"; strings.Join(got, ", ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, ", "), want)
	}
}

// ${A:-${B:?need B}} needs B where A is not set, and nowhere else. Lint called it a
// critical finding that B is not set.
func TestADefaultThatIsNotTakenNeedsNoVariable(t *testing.T) {
	files := map[string]string{"compose.yaml": `
services:
  web:
    image: "x:${SET:-${A:?need A}}"
    environment:
      A: ${SET-$B} ${UNSET:+$C} ${EMPTY:-${D:?need D}} ${EMPTY-$E}
      B: ${SET:+$F}
`, ".env": "SET=1\nEMPTY=\n"}
	p, err := project(t, files, Choice{Lenient: true})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, v := range p.Unset {
		got = append(got, v.Name)
	}
	if want := "D F"; strings.Join(got, " ") != want {
		t.Errorf("got %s, want %s", strings.Join(got, " "), want)
	}
}

func TestNoComposeFileIsSaidSo(t *testing.T) {
	if _, err := project(t, nil, Choice{}); !errors.Is(err, ErrNone) {
		t.Errorf("got %v", err)
	}
	if _, err := project(t, nil, Choice{Files: []string{"nosuch.yaml"}}); err == nil || !strings.Contains(err.Error(), "nosuch.yaml") {
		t.Errorf("got %v", err)
	}
}

func TestServicesOfOtherProfilesCanBeNamed(t *testing.T) {
	p, err := project(t, map[string]string{"compose.yaml": "services:\n  a: {image: x}\n  b: {image: x, profiles: [debug]}\n"}, Choice{})
	if err != nil {
		t.Fatal(err)
	}
	if names, err := p.Select(nil); err != nil || strings.Join(names, " ") != "a" {
		t.Errorf("got %v, %v", names, err)
	}
	if names, err := p.Select([]string{"b", "b"}); err != nil || strings.Join(names, " ") != "b" {
		t.Errorf("got %v, %v", names, err)
	}
	if _, err := p.Select([]string{"c"}); err == nil || !strings.Contains(err.Error(), "it has a, b") {
		t.Errorf("got %v", err)
	}
}

// A file may refer to itself, and be anything at all.
func FuzzFind(f *testing.F) {
	f.Add("services: &a\n  web: *a\n", "services/web/web")
	f.Add("a: &a\n  <<: *a\n", "a/b")
	f.Add("a: [x, {y: z}]\n", "a/1/y")
	f.Fuzz(func(t *testing.T, text, path string) {
		s, err := parse("compose.yaml", []byte(text))
		if err != nil {
			return
		}
		p := &Project{Sources: []*Source{s}}
		p.At(strings.Split(path, "/")...)
		unset(p.Sources, nil)
	})
}
