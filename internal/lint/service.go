package lint

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
)

// ports are those inside the container that are known, TCP only: the published,
// else those that are exposed by the compose file, the Dockerfile or the image.
func (s *service) ports() (ports []int) {
	for _, p := range s.Ports {
		if p.Protocol == "" || p.Protocol == "tcp" {
			ports = append(ports, int(p.Target))
		}
	}
	for _, e := range s.Expose {
		var n int
		if _, err := fmt.Sscanf(e, "%d", &n); err == nil && !strings.HasSuffix(e, "/udp") {
			ports = append(ports, n)
		}
	}
	ports = append(append(ports, s.built.Exposed...), s.image.Exposed...)
	slices.Sort(ports)
	return slices.Compact(ports)
}

// published reports whether it is reached from outside.
func (s *service) published() bool { return len(s.Ports) > 0 }

// command is the words that the container begins with, entry point first; nil
// where they are not known.
func (s *service) command() []string {
	entry, cmd := []string(s.Entrypoint), []string(s.Command)
	if entry == nil {
		switch {
		case s.built.Entrypoint != nil:
			entry = s.built.Entrypoint.Command()
		default:
			entry = s.image.Entrypoint
		}
		if cmd == nil && s.built.Cmd != nil {
			cmd = s.built.Cmd.Command()
		}
		if cmd == nil && s.built.Cmd == nil && s.built.Entrypoint == nil {
			cmd = s.image.Cmd
		}
	}
	return slices.Concat(entry, cmd)
}

// env is the value of a variable of its environment, as far as the files say.
func (s *service) env(name string) (string, bool) {
	if v, ok := s.Environment[name]; ok {
		if v == nil {
			return "", false
		}
		return *v, true
	}
	for _, a := range slices.Backward(s.built.Env) {
		if a.Name == name && !a.Arg {
			return a.Value, true
		}
	}
	return "", false
}

// job reports whether it is meant to do its work and end: nothing restarts it,
// and it is reached by nobody; or another service waits for its end.
func (s *service) job() bool {
	for _, other := range s.p.services {
		if d, ok := other.DependsOn[s.name]; ok && d.Condition == types.ServiceConditionCompletedSuccessfully {
			return true
		}
	}
	return (s.Restart == "" || s.Restart == "no") && !s.published() && len(s.Expose) == 0 && s.Deploy == nil && len(s.Command) > 0 && !s.checked()
}

// checked reports whether the compose file has a health check for it.
func (s *service) checked() bool { return s.HealthCheck != nil && !s.HealthCheck.Disable }

// supervised reports whether aweigh-init is its first process.
func (s *service) supervised() bool {
	words := s.command()
	return len(words) > 0 && (filepath.Base(words[0]) == "aweigh-init" || filepath.Base(words[0]) == "aweigh" && len(words) > 1 && words[1] == "run")
}

// p99 is the 99th percentile of its measured starts, and how many there were.
func (s *service) p99() (time.Duration, int) {
	took := slices.Clone(s.measured.Ready)
	if len(took) == 0 {
		return 0, 0
	}
	slices.Sort(took)
	return took[(len(took)*99+99)/100-1], len(took)
}
