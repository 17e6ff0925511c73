package lint

import (
	"time"

	"github.com/compose-spec/compose-go/v2/types"

	"github.com/aweigh/aweigh/internal/dockerfile"
)

// health is the health check that a service will have.
type health struct {
	test []string // as Docker has it; nil: none is known
	// from is who says the test: "compose", "Dockerfile", "image"; "" is nobody.
	from              string
	disabled          bool // somebody says that there shall be none
	startPeriod       time.Duration
	startPeriodSaid   bool
	startPeriodFrom   string
	interval, timeout time.Duration
	retries           int
	dockerfileLine    int
	imageUnknown      bool // it may have a health check that is not seen here
}

// What Docker takes where nothing is said (daemon/health.go).
const (
	defaultInterval = 30 * time.Second
	defaultTimeout  = 30 * time.Second
	defaultRetries  = 3
)

// healthcheck puts together what compose file, Dockerfile and image say; the
// first of them counts.
func (s *service) healthcheck() health {
	h := health{}
	if s.imageRef != "" {
		h.fromImage(s.image)
	}
	if s.built.Healthcheck != nil {
		h.fromDockerfile(s.built.Healthcheck)
	}
	if s.HealthCheck != nil {
		h.fromCompose(s.HealthCheck)
	}
	h.imageUnknown = s.imageRef == "" && s.built.Base != "scratch"
	if h.interval == 0 {
		h.interval = defaultInterval
	}
	if h.timeout == 0 {
		h.timeout = defaultTimeout
	}
	if h.retries == 0 {
		h.retries = defaultRetries
	}
	return h
}

// there reports whether it will be checked.
func (h *health) there() bool { return len(h.test) > 0 && !h.disabled }

func (h *health) fromImage(i Image) {
	if len(i.HealthTest) == 0 {
		return
	}
	h.test, h.from, h.disabled = i.HealthTest, "image", i.HealthTest[0] == "NONE"
	h.interval, h.timeout, h.retries = i.Interval, i.Timeout, i.Retries
	if i.StartPeriod > 0 {
		h.startPeriod, h.startPeriodSaid, h.startPeriodFrom = i.StartPeriod, true, "image"
	}
}

func (h *health) fromDockerfile(in *dockerfile.Instruction) {
	*h = health{test: in.Test(), from: "Dockerfile", dockerfileLine: in.Line}
	h.disabled = h.test[0] == "NONE"
	h.interval, h.timeout = flagDuration(in, "interval"), flagDuration(in, "timeout")
	if text, ok := in.Flag("start-period"); ok {
		d, _ := time.ParseDuration(text)
		h.startPeriod, h.startPeriodSaid, h.startPeriodFrom = d, true, "Dockerfile"
	}
	if text, ok := in.Flag("retries"); ok {
		for _, c := range text {
			if c < '0' || c > '9' || h.retries > 1000 {
				break
			}
			h.retries = h.retries*10 + int(c-'0')
		}
	}
}

func (h *health) fromCompose(c *types.HealthCheckConfig) {
	if len(c.Test) > 0 {
		h.test, h.from, h.disabled = c.Test, "compose", c.Test[0] == "NONE"
	}
	h.disabled = h.disabled || c.Disable
	if c.Disable {
		h.from = "compose"
	}
	if c.Interval != nil {
		h.interval = time.Duration(*c.Interval)
	}
	if c.Timeout != nil {
		h.timeout = time.Duration(*c.Timeout)
	}
	if c.Retries != nil {
		h.retries = int(min(*c.Retries, 1<<20))
	}
	if c.StartPeriod != nil {
		h.startPeriod, h.startPeriodSaid, h.startPeriodFrom = time.Duration(*c.StartPeriod), true, "compose"
	}
}

// flagDuration is a flag of HEALTHCHECK; 0 where it is not said, or no duration.
func flagDuration(in *dockerfile.Instruction, name string) time.Duration {
	text, _ := in.Flag(name)
	d, _ := time.ParseDuration(text)
	return d
}

// healthFound is a finding at a part of the health check, wherever that is said.
func (s *service) healthFound(message string, part string) Finding {
	if s.health.from == "Dockerfile" && !s.says("healthcheck", part) && s.health.dockerfileLine > 0 {
		return s.inDockerfile(message, s.health.dockerfileLine)
	}
	return s.found(message, "healthcheck", part)
}
