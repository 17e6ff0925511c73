package failurelog

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestFailuresOfManyProcessesAreLinesOfOneFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "health.log")
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if err := Append(path, Entry{Time: time.Now(), Exit: 1, Expected: "healthy", Came: "connection\nrefused"}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	b, _ := os.ReadFile(path)
	lines := bytes.Split(bytes.TrimSpace(b), []byte("\n"))
	if len(lines) != 50 {
		t.Fatalf("%d lines", len(lines))
	}
	for _, l := range lines {
		var e Entry
		if json.Unmarshal(l, &e) != nil || e.Came != "connection\nrefused" {
			t.Errorf("%s", l)
		}
	}
}

func TestTheLogIsRotatedCompressedAndBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "health.log")
	full := []byte(strings.Repeat(`{"came":"connection refused"}`+"\n", MaxBytes/30+1))
	for range Kept + 3 {
		if err := os.WriteFile(path, full, 0o640); err != nil {
			t.Fatal(err)
		}
		if err := Append(path, Entry{Came: "the newest"}); err != nil {
			t.Fatal(err)
		}
	}
	b, _ := os.ReadFile(path)
	if !strings.Contains(string(b), "the newest") || len(b) > 1000 {
		t.Errorf("the log now has %d bytes", len(b))
	}
	entries, _ := os.ReadDir(filepath.Dir(path))
	var total int64
	for _, e := range entries {
		info, _ := e.Info()
		total += info.Size()
	}
	if len(entries) != 1+Kept || total > MaxBytes {
		t.Errorf("%d files of %d bytes", len(entries), total)
	}
}

func TestASymbolicLinkIsNotFollowed(t *testing.T) {
	dir := t.TempDir()
	target := filepath.Join(dir, "precious")
	os.WriteFile(target, []byte("x"), 0o644)
	os.Symlink(target, filepath.Join(dir, "health.log"))
	if err := Append(filepath.Join(dir, "health.log"), Entry{}); err == nil {
		t.Error("the link was followed")
	}
	if b, _ := os.ReadFile(target); string(b) != "x" {
		t.Errorf("now %q", b)
	}
}
