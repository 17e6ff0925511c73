package watch

import (
	"log/slog"
	"sync"

	"github.com/aweigh/aweigh/internal/config"
	"github.com/aweigh/aweigh/internal/core"
)

// settings tells what is in force for a service, and complains once of each
// label that cannot be understood. It is asked from several goroutines.
type settings struct {
	config *config.Config
	log    *slog.Logger
	mu     sync.Mutex
	told   map[string]bool
}

func newSettings(c *config.Config, log *slog.Logger) *settings {
	return &settings{config: c, log: log, told: map[string]bool{}}
}

// maxTold bounds what is remembered of complaints: labels come from outside.
const maxTold = 1000

func (s *settings) of(service string, labels map[string]string) core.Settings {
	in, problems := s.config.For(service, labels)
	for _, p := range problems {
		s.mu.Lock()
		text := service + ": " + p.Error()
		fresh := !s.told[text] && len(s.told) < maxTold
		if fresh {
			s.told[text] = true
		}
		s.mu.Unlock()
		if fresh {
			s.log.Warn(text, "event", "warning", "service", service)
		}
	}
	return in
}
