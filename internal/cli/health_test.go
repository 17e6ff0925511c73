package cli

import (
	"testing"

	"github.com/aweigh/aweigh/internal/verdict"
)

// Whatever --probe asked, the supervisor answered that its own service was fine: a
// check of a second port was healthy for ever.
func TestAProbeThatIsNotTheSupervisorsIsNotAnsweredByIt(t *testing.T) {
	all := []verdict.Verdict{{Service: "web", Target: "http://127.0.0.1:5003/health", Healthy: true}}
	for _, c := range []struct {
		env, flag string
		found     int
	}{
		{"", "http://127.0.0.1:9090/health", 0},
		{"", "http://:5003/health", 1},
		{"", "/health", 1}, // on the supervisor's port
		{"http://web:5003/health", "http://web:5003/health", 1},
		{"http://:5003/health", "tcp://127.0.0.1:9090", 0},
	} {
		t.Setenv("AWEIGH_PROBE", c.env)
		f := &healthFlags{probe: c.flag}
		target, _, err := f.question(nil)
		if err != nil {
			t.Fatal(err)
		}
		if found := matching(all, f, target, f.explicit(nil, target)); len(found) != c.found {
			t.Errorf("--probe %s with AWEIGH_PROBE=%s: %d supervisors answer, want %d", c.flag, c.env, len(found), c.found)
		}
	}
}
