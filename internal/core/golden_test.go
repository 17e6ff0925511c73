package core_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/core"
)

var update = flag.Bool("update", false, "write what the histories come to")

// The histories are facts that a real engine (20.10) told `aweigh watch`, taken
// from its store: SELECT fact FROM facts WHERE fact LIKE '%"service":"NAME"%' OR
// instance = … ORDER BY seq. What they come to was read by a person.
func TestHistoriesOfARealEngine(t *testing.T) {
	files, err := filepath.Glob("testdata/histories/*.jsonl")
	if err != nil || len(files) == 0 {
		t.Fatalf("no histories: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".jsonl"), func(t *testing.T) {
			got := tellStory(t, readFacts(t, file))
			isGolden(t, strings.TrimSuffix(file, ".jsonl")+".golden", got)
		})
	}
}

// isGolden demands that a history came to what the file says; -update writes that.
func isGolden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("it came to\n%s\nand should have come to\n%s", got, want)
	}
}

func readFacts(t *testing.T, file string) (facts []aweigh.Fact) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(bytes.NewReader(b))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var f aweigh.Fact
		if err := json.Unmarshal(lines.Bytes(), &f); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		facts = append(facts, f)
	}
	return facts
}

// tellStory is what a history came to, for a person.
func tellStory(t *testing.T, facts []aweigh.Fact) string {
	h := newHistory(t)
	h.state = core.New("aws-1", func(_ string, labels map[string]string) core.Settings {
		c := core.Defaults()
		if d, err := time.ParseDuration(labels["aweigh.startup-timeout"]); err == nil {
			c.StartupTimeout = d
		}
		return c
	})
	h.now = facts[0].At
	for _, f := range facts {
		if f.At.After(h.now) {
			h.pass(f.At.Sub(h.now))
		}
		h.apply(f)
	}
	h.pass(time.Hour)
	return h.story()
}
