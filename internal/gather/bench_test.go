package gather

import (
	"strings"
	"testing"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/diagnose"
)

// What a death waits for before it is told.
func BenchmarkJudgingADeath(b *testing.B) {
	log := []byte(strings.Repeat("2026-11-23T10:00:00Z ERROR could not connect to 10.0.0.5:5432: connection refused, trying again\n", 170))
	for b.Loop() {
		e := End{Exit: &aweigh.Exit{Code: 1}, Ran: time.Second, Port: 8080, Output: log}
		diagnose.Best(diagnose.Diagnose(e.Evidence()))
	}
}
