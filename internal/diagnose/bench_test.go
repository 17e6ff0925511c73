package diagnose

import (
	"bytes"
	"fmt"
	"testing"
	"time"
)

// The target is 50 ms for a log of 1 MB.
func BenchmarkDiagnose1MB(b *testing.B) {
	kinds := map[string][]byte{}
	var ordinary bytes.Buffer
	for i := 0; ordinary.Len() < 1<<20; i++ {
		fmt.Fprintf(&ordinary, "2024-01-02T10:11:%02d.%03dZ INFO request id=%d path=/orders/%d status=200 took=%dms\n", i%60, i%1000, i, i*7, i%300)
	}
	ordinary.WriteString("panic: listen tcp :8080: bind: address already in use\n")
	kinds["ordinary"] = ordinary.Bytes()
	var retries bytes.Buffer
	for i := 0; retries.Len() < 1<<20; i++ {
		fmt.Fprintf(&retries, "2024-01-02T10:11:%02d.%03dZ WARN attempt %d: could not connect to database: dial tcp 172.18.0.2:5432: connect: connection refused\n", i%60, i%1000, i)
	}
	kinds["retries"] = retries.Bytes()
	kinds["one-line"] = bytes.Repeat([]byte("permission denied: could not open "), 1<<20/34)
	for name, output := range kinds {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(output)))
			exit := 1
			for b.Loop() {
				Diagnose(Evidence{Output: output, ExitCode: &exit, ExpectedPort: 8080})
			}
		})
	}
}

// However hostile an output is, an answer comes, in bounded time, and nothing in
// it acts on a terminal.
func FuzzDiagnose(f *testing.F) {
	for _, x := range readExamples(f, "corpus")[:40] {
		f.Add(x.evidence.Output, x.evidence.Daemon, 1, 8080)
	}
	f.Add([]byte("\x1b]0;title\x07\x1b[31mpanic: \xff\xfe password=hunter2\r\n\x00"), []byte(nil), 139, 80)
	f.Fuzz(func(t *testing.T, output, daemon []byte, exit, port int) {
		began := time.Now()
		causes := Diagnose(Evidence{Output: output, Daemon: daemon, ExitCode: &exit, ExpectedPort: port})
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%d bytes took %s", len(output)+len(daemon), took)
		}
		checkCauses(t, causes)
	})
}

// An inspection and a table of listeners may come from anywhere, too.
func FuzzFiles(f *testing.F) {
	f.Add([]byte(`{"State":{"Health":{"Log":[{"ExitCode":-1,"Output":"x"}]}}}`), []byte(`{"running":true,"listeners_owned_by_container":["127.0.0.1:80"],"probe_container_ip":{"tcp":"connected","first_bytes":"HTTP/"}}`))
	f.Add([]byte(`[{"Name":"/a"}]`), []byte(`{}`))
	f.Fuzz(func(t *testing.T, inspect, runtime []byte) {
		i, err1 := ParseInspect(inspect)
		r, err2 := ParseRuntime(runtime)
		if err1 != nil && err2 != nil {
			return
		}
		checkCauses(t, Diagnose(Evidence{Inspect: i, Runtime: r, ExpectedPort: 80}))
	})
}

func checkCauses(t *testing.T, causes []Cause) {
	t.Helper()
	if len(causes) == 0 {
		t.Fatal("no answer")
	}
	for _, c := range causes {
		if Find(c.ID) == nil || c.Confidence < 0 || c.Confidence > 1 || c.Why == "" || c.Fix == "" || c.Confirm == "" {
			t.Fatalf("not a whole answer: %+v", c)
		}
		for _, line := range c.Evidence {
			for _, r := range line.Text {
				if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
					t.Fatalf("control character in %q", line.Text)
				}
			}
		}
	}
}
