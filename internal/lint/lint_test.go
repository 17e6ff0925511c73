package lint

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/aweigh/aweigh"
)

var update = flag.Bool("update", false, "write what came into testdata and docs")

func TestFixKeepsCommentsAndFormatting(t *testing.T) {
	archive, err := txtar.ParseFile("testdata/fix.txtar")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	write(t, "compose.yaml", string(archive.Files[0].Data))
	host := took(9 * time.Second)
	fixed, err := Fix(load(t, host))
	if err != nil || len(fixed) == 0 {
		t.Fatal(fixed, err)
	}
	got, _ := os.ReadFile("compose.yaml")
	if want := string(archive.Files[1].Data); string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for _, f := range load(t, host) {
		if f.Fixable {
			t.Errorf("it is still to be fixed: %s", about(f))
		}
	}
}

// A finding in a Dockerfile is allowed there, as docs/lint.md has it.
func TestACommentInTheDockerfileAllowsAFinding(t *testing.T) {
	for dockerfile, want := range map[string]int{"FROM x\n": 1, "# aweigh: allow floating-base (it is ours)\nFROM x\n": 0, "# aweigh: allow plain-secret\nFROM x\n": 1} {
		if got := said(run(t, example{compose: "web: {build: .}", dockerfile: dockerfile}), "floating-base"); len(got) != want {
			t.Errorf("%q: %q", dockerfile, got)
		}
	}
}

// Services that share a health check get one start_period, the longest: a key that
// is there twice is no YAML for Compose.
func TestFixSetsASharedKeyOnce(t *testing.T) {
	t.Chdir(t.TempDir())
	host := func(in *Input) {
		in.Measured = func(name string) Measured {
			return Measured{Ready: []time.Duration{map[string]time.Duration{"a": 10 * time.Second, "b": 30 * time.Second, "c": 20 * time.Second}[name]}}
		}
	}
	write(t, "compose.yaml", "x-hc: &hc\n  test: x\nservices:\n  a: {image: x, healthcheck: *hc}\n  b: {image: x, healthcheck: *hc}\n  c: {image: x, healthcheck: *hc}\n")
	if _, err := Fix(load(t, host)); err != nil {
		t.Fatal(err)
	}
	got, _ := os.ReadFile("compose.yaml")
	if strings.Count(string(got), "start_period") != 1 || !strings.Contains(string(got), "start_period: 45s") {
		t.Errorf("got\n%s", got)
	}
}

func TestFixFindsTheEndOfAValue(t *testing.T) {
	t.Chdir(t.TempDir())
	const text = `services:
  a:
    image: x
    init: true
    logging: {driver: local}
    ports:
      - "80:80"
#      - "443:443"
      - "8443:8443"
    # the end
  b:
    image: x
    logging: {driver: local}
    environment: {
      A: b
    }
`
	write(t, "compose.yaml", text)
	if _, err := Fix(load(t, nil)); err != nil {
		t.Fatal(err)
	}
	want := strings.Replace(text, "    # the end", "    stop_grace_period: 30s\n    # the end", 1) + "    stop_grace_period: 30s\n"
	if got, _ := os.ReadFile("compose.yaml"); string(got) != want {
		t.Errorf("got\n%s", got)
	}
}

// What stands behind an anchor is not where the file says that the mapping is.
func TestWhatCannotBeFixedIsNotToldAsFixed(t *testing.T) {
	t.Chdir(t.TempDir())
	const text = "services:\n  a: &a {image: x}\n"
	write(t, "compose.yaml", text)
	fixed, err := Fix(load(t, nil))
	if got, _ := os.ReadFile("compose.yaml"); err != nil || string(got) == text && len(fixed) > 0 {
		t.Errorf("told: %v, %v, and it is\n%s", fixed, err, got)
	}
}

func TestFixLeavesAFileThatItWouldBreak(t *testing.T) {
	path := filepath.Join(t.TempDir(), "compose.yaml")
	write(t, path, "a: b\n")
	_, err := Fix([]Finding{{Rule: "x", edit: &edit{file: path, line: 1, new: "  c: d"}}})
	if err == nil || !strings.Contains(err.Error(), "left as it was") {
		t.Errorf("got %v", err)
	}
	if got, _ := os.ReadFile(path); string(got) != "a: b\n" {
		t.Errorf("it is now %q", got)
	}
}

func TestACommentAllowsAFinding(t *testing.T) {
	for text, want := range map[string]int{
		"web:\n    image: x  # aweigh: allow floating-tag (a demo)":                        0,
		"web:\n    # aweigh: allow stop-grace, floating-tag\n    # and more\n    image: x": 0,
		"web:  # aweigh: allow floating-tag\n    restart: always\n    image: x":            0,
		"web:\n    image: x  # aweigh: allow floating-base":                                1,
		"web:\n    image: x  # floating-tag":                                               1,
	} {
		if got := said(run(t, example{compose: text}), "floating-tag"); len(got) != want {
			t.Errorf("of\n%s\ngot %v", text, got)
		}
	}
}

// What several services say by one anchor is one finding.
func TestSharedFindingsAreOne(t *testing.T) {
	findings := run(t, example{compose: "name: shop\nx-all: &all\n  image: x\nservices:\n  a: {<<: *all}\n  b: {<<: *all}\n"})
	n := 0
	for _, f := range findings {
		if f.Rule == "floating-tag" {
			n++
			if fmt.Sprint(f.Services) != "[a b]" || f.Line != 3 {
				t.Errorf("got %+v", f)
			}
		}
	}
	if n != 1 {
		t.Errorf("%d findings", n)
	}
}

func TestOnlyChosenServicesAreTold(t *testing.T) {
	for _, f := range run(t, example{compose: "a: {image: x}\n  b: {image: x}", host: func(in *Input) { in.Services = []string{"b"} }}) {
		if fmt.Sprint(f.Services) != "[b]" {
			t.Errorf("got %+v", f)
		}
	}
}

// No value of a secret, and nothing that a terminal acts upon, is in any format.
func TestReportsAreSafe(t *testing.T) {
	findings := run(t, example{compose: `web: {image: "x:1", environment: {DB_PASSWORD: hunter2}, healthcheck: {test: "curl -f http://\e[31mx/ -u a:hunter2"}, volumes: ["./\e[2J:/x"]}`})
	if len(findings) < 4 {
		t.Errorf("only %d findings", len(findings))
	}
	for name, write := range formats {
		var b bytes.Buffer
		if err := write(&b, findings); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(b.String(), "hunter2") || strings.Contains(b.String(), "\x1b") {
			t.Errorf("%s: %q", name, b.String())
		}
	}
}

var formats = map[string]func(io.Writer, []Finding) error{
	"text": Text, "json": JSON, "github": GitHub,
	"sarif": func(w io.Writer, f []Finding) error { return SARIF(w, f, "v1") },
}

func TestFormats(t *testing.T) {
	findings := []Finding{
		{Rule: "floating-tag", Severity: aweigh.Warning, Services: []string{"web", "api"}, File: "a b.yaml", Line: 3, Column: 5, Message: "100% x:y,z", Fix: "do\nit", Fixable: true},
		{Rule: "file-missing", Severity: aweigh.Critical, File: "/x.yaml", Message: "gone", Fix: "look"},
	}
	for name, write := range formats {
		var b bytes.Buffer
		if err := write(&b, findings); err != nil {
			t.Fatal(err)
		}
		golden(t, "testdata/format."+name, b.Bytes())
	}
	var b bytes.Buffer
	if err := JSON(&b, nil); err != nil || !json.Valid(b.Bytes()) || !strings.Contains(b.String(), `"findings": []`) {
		t.Errorf("of nothing: %v %s", err, b.String())
	}
}

// The table of rules in the documentation is the catalogue.
func TestTheDocumentationListsTheRules(t *testing.T) {
	const path, begin, end = "../../docs/lint.md", "<!-- rules: go test ./internal/lint -update -->\n", "<!-- end of rules -->\n"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the rules", path)
	}
	var b strings.Builder
	b.WriteString("| rule | severity | what is wrong | why it matters | fix |\n|---|---|---|---|---|\n")
	for _, r := range Rules() {
		fixable := ""
		if r.Fixable {
			fixable = " (`--fix`)"
		}
		cell := strings.NewReplacer("|", "\\|")
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s%s |\n", r.ID, r.Severity, cell.Replace(r.Title), cell.Replace(r.Why), cell.Replace(r.Fix), fixable)
	}
	golden(t, path, []byte(before+begin+b.String()+end+after))
}

func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s (%v; -update writes it): got\n%s", path, err, got)
	}
}
