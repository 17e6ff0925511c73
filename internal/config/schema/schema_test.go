package schema

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/aweigh/aweigh/internal/config"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"
)

var update = flag.Bool("update", false, "write docs/aweigh.schema.json and the tables of docs/aweigh.yaml.md")

const (
	schemaFile = "../../../docs/aweigh.schema.json"
	pageFile   = "../../../docs/aweigh.yaml.md"
)

func TestCommittedFilesAreFresh(t *testing.T) {
	page, err := os.ReadFile(pageFile)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string][]byte{schemaFile: JSON(), pageFile: []byte(Page(string(page)))} {
		if *update {
			if err := os.WriteFile(path, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is stale: go test ./internal/config/schema -update (%v)", path, err)
		}
	}
}

func TestThePageHasEachKey(t *testing.T) {
	page, err := os.ReadFile(pageFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range config.Reference() {
		for _, k := range s.Keys {
			if !strings.Contains(string(page), "| `"+k.Name+"`") {
				t.Errorf("%s.%s is not there", s.Name, k.Name)
			}
		}
	}
}

// The examples of the page are good documents: for the reader of the file and
// for the schema.
func TestTheExamplesOfThePageWork(t *testing.T) {
	page, err := os.ReadFile(pageFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"SMTP_PASSWORD", "TOPIC", "TOKEN"} {
		t.Setenv(name, "x")
	}
	examples := 0
	for _, block := range strings.Split(string(page), "```yaml\n")[1:] {
		text, _, _ := strings.Cut(block, "```")
		text = strings.ReplaceAll(text, "to_file: /run/secrets/ops-url", "to_file: url")
		examples++
		if err := load(t, text); err != nil {
			t.Errorf("%s\n%v", text, err)
		}
		if err := validate(t, text); err != nil {
			t.Errorf("%s\n%v", text, err)
		}
	}
	if examples < 4 {
		t.Errorf("only %d examples were found", examples)
	}
}

func TestSchemaAndReaderAgree(t *testing.T) {
	whole, err := os.ReadFile("../testdata/whole.yaml")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PW", "x")
	t.Setenv("N", "3")
	for _, good := range []string{
		strings.ReplaceAll(string(whole), "/run/secrets/url", "url"), "watch:\n", "services:\n  web:\n", "x-a: &a {retries: 1}\nservices: {b: *a}",
		"defaults: {retries: '${N}', silence: off, remind_every: 0, interval: 1h30m, settle: 1.5d}",
		"defaults: {silence: never, tell_ready: yes, escalate_after: 90s, crash_loop: {brake: off}}",
		"watch: {keep_bytes: 500M}", "watch: {keep_bytes: 1048576}",
	} {
		if err := load(t, good); err != nil {
			t.Errorf("read: %s\n%v", good, err)
		}
		if err := validate(t, good); err != nil {
			t.Errorf("schema: %s\n%v", good, err)
		}
	}
	for _, bad := range []string{
		"wach: {}", "services: []", "services: {web: {intervall: 5s}}", "services: {web: {interval: 5}}", "defaults: {interval: soon}",
		"defaults: {interval: off}", "defaults: {retries: many}", "defaults: {retries: 0}", "defaults: {crash_loop: {crash: 3}}", "defaults: {crash_loop: 3}",
		"defaults: {ignore: maybe}", "defaults: {probe: /a, probe_file: b}", "routes: {}", "routes: [{name: a}]", "routes: [{to: 'ntfy://x'}]",
		"routes: [{name: a, to: 'ntfy://x', to_file: url}]", "routes: [{name: a, to: 'ntfy://x', severities: [urgent]}]",
		"routes: [{name: a, to: 'ntfy://x', quiet: {from: '9pm', to: '07:00'}}]", "routes: [{name: a, to: 'ntfy://x', occasions: openned}]",
		"signals: {a: {source: 'http://x'}}", "signals: {'a b': {source: 'http://x', rule: a}}", "signals: {a: {source: 'http://x', rule: a, missing: x}}",
		"watch: {keep_bytes: much}", "watch: {keep: 90}", "routes: [~]",
	} {
		if load(t, bad) == nil {
			t.Errorf("read: %s was taken", bad)
		}
		if validate(t, bad) == nil {
			t.Errorf("schema: %s was taken", bad)
		}
	}
}

func load(t *testing.T, text string) error {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{"aweigh.yaml": text, "url": "ntfy://ntfy.sh/topic"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, err := config.Load(filepath.Join(dir, "aweigh.yaml"))
	return err
}

var compiled = sync.OnceValues(func() (*jsonschema.Schema, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(JSON()))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(ID, doc); err != nil {
		return nil, err
	}
	return c.Compile(ID) // validates the schema itself as well
})

func validate(t *testing.T, text string) error {
	t.Helper()
	s, err := compiled()
	if err != nil {
		t.Fatal(err)
	}
	var value any
	if err := yaml.Unmarshal([]byte(text), &value); err != nil {
		t.Fatal(err)
	}
	asJSON, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	value, err = jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(value)
}
