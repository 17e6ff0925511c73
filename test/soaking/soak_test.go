package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == "serve" {
		serve()
	}
	os.Exit(m.Run())
}

// make soak does the same for ten thousand.
func TestNothingLeaksInTwoHundredStarts(t *testing.T) {
	dir := t.TempDir()
	s := &soak{program: filepath.Join(dir, "aweigh-init"), dir: dir, starts: 200, say: t.Logf}
	build := exec.Command("go", "build", "-o", s.program, "github.com/aweigh/aweigh/cmd/aweigh-init")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	if err := s.run(); err != nil {
		t.Fatal(err)
	}
}

func TestAWeightTellsWhatGrew(t *testing.T) {
	before := weight{files: 12, threads: 8, memory: 10 << 20, children: 1}
	if err := before.leaked(weight{files: 12, threads: 8 + moreThreads, memory: 10<<20 + moreMemory, children: 1}); err != nil {
		t.Errorf("what the runtime may take is no leak: %v", err)
	}
	err := before.leaked(weight{files: 13, threads: 30, memory: 30 << 20, children: 2, zombies: 1})
	for _, what := range []string{"12 open files, and has 13", "8 threads, and has 30", "bytes of memory", "children", "zombies"} {
		if err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("it should tell %q: %v", what, err)
		}
	}
}
