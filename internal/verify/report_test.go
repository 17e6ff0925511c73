package verify

import (
	"bytes"
	"encoding/xml"
	"flag"
	"io"
	"os"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write what came into testdata")

func TestFormats(t *testing.T) {
	r := Report{Began: time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC), TookMS: 1234, Result: Failed, Checks: []Check{
		{Service: "web", Name: "running", Result: Passed, Expected: "1 running for 10s at least", Found: "running for 1m0s"},
		{Service: "web", Name: "healthy", Result: Failed, Expected: "healthy", Found: `unhealthy: "<&>" # x`},
		{Service: "db", Name: "time-to-ready", Result: Unknown, Expected: "within 4s", Found: "no watcher measured the start"},
		{Service: "db", Name: "port-owner", Result: Skipped, Expected: "the container's", Found: "no port is published"},
	}}
	for name, write := range map[string]func(io.Writer) error{"text": r.Text, "json": r.JSON, "tap": r.TAP, "xml": r.JUnit} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		path := "testdata/report." + name
		if *update {
			os.WriteFile(path, b.Bytes(), 0o644)
		}
		if want, err := os.ReadFile(path); err != nil || !bytes.Equal(want, b.Bytes()) {
			t.Errorf("%s (%v; -update writes it): got\n%s", path, err, b.String())
		}
		if name == "xml" && xml.Unmarshal(b.Bytes(), new(junitSuites)) != nil {
			t.Error("it is no XML")
		}
	}
}

func TestWhatCanStillBecomeTrueIsWaitedFor(t *testing.T) {
	pass, wait := Check{Name: "a", Result: Passed}, Check{Name: "b", Result: Failed}
	lost, dark := Check{Name: "c", Result: Failed, final: true}, Check{Name: "d", Result: Unknown, final: true}
	for want, all := range map[string][]Check{"": {pass, dark}, "b": {pass, wait, dark}} {
		if got := pending(all); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := pending([]Check{wait, lost}); got != "" {
		t.Errorf("what has failed for good is waited for: %q", got)
	}
	wait.soon = true
	if got := pending([]Check{wait, lost}); got != "b" {
		t.Errorf("why it has failed is not waited for: %q", got)
	}
	if Overall([]Check{pass, dark}) != Unknown || Overall([]Check{dark, lost}) != Failed || Overall([]Check{pass, {Result: Skipped}}) != Passed {
		t.Error("overall")
	}
}
