package diagnose

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Inspect is what is read of an engine's inspection of a container. Docker and
// Podman share these names.
type Inspect struct {
	Name         string
	Path         string
	Args         []string
	RestartCount int
	State        struct {
		Status     string // created, running, restarting, paused, exited, dead
		Running    bool
		Restarting bool
		OOMKilled  bool
		ExitCode   int
		Error      string
		StartedAt  string // RFC 3339; year 1 when it never started
		FinishedAt string
		Health     *Health
	}
	Config struct {
		User         string
		Image        string
		WorkingDir   string
		Env          []string
		Cmd          []string
		Entrypoint   []string
		Tty          bool
		ExposedPorts map[string]struct{}
		Healthcheck  *Healthcheck
	}
	HostConfig struct {
		NetworkMode    string
		CapAdd         []string
		CapDrop        []string
		ReadonlyRootfs bool
		Memory         int64 // bytes; 0 without a limit
		PidsLimit      *int64
		Ulimits        []Ulimit
		Tmpfs          map[string]string
		Sysctls        map[string]string
		PortBindings   map[string][]PortBinding
		Privileged     bool
	}
	Mounts          []Mount
	NetworkSettings struct {
		Networks map[string]struct{ IPAddress string }
	}
}

// Health is the state of a container's HEALTHCHECK.
type Health struct {
	Status        string // starting, healthy, unhealthy
	FailingStreak int
	Log           []HealthLog
}

// HealthLog is one run of it.
type HealthLog struct {
	ExitCode int // -1 when it took too long
	Output   string
}

// Healthcheck is how a container is asked; durations in nanoseconds.
type Healthcheck struct {
	Test        []string
	Interval    int64
	Timeout     int64
	StartPeriod int64
	Retries     int
}

// Ulimit is one resource limit.
type Ulimit struct {
	Name       string
	Hard, Soft int64
}

// PortBinding is where a port is published.
type PortBinding struct{ HostIp, HostPort string }

// Mount is one mount of a container.
type Mount struct {
	Type        string
	Source      string
	Destination string
	RW          bool
}

// onlyPort is the TCP port of the container that is published, or else exposed,
// if it is the only one; 0 otherwise.
func (i *Inspect) onlyPort() int {
	if i == nil {
		return 0
	}
	if len(i.HostConfig.PortBindings) > 0 {
		return onlyPort(i.HostConfig.PortBindings)
	}
	return onlyPort(i.Config.ExposedPorts)
}

func onlyPort[T any](ports map[string]T) (only int) {
	for name := range ports {
		number, protocol, _ := strings.Cut(name, "/")
		port, err := strconv.Atoi(number)
		if err != nil || port < 1 || port > 65535 || protocol != "tcp" {
			continue
		}
		if only != 0 {
			return 0
		}
		only = port
	}
	return only
}

// ParseInspect reads what `docker inspect` printed: one object, or a list of
// which the first is taken.
func ParseInspect(data []byte) (*Inspect, error) {
	var one Inspect
	if !bytes.HasPrefix(bytes.TrimSpace(data), []byte("[")) {
		if err := json.Unmarshal(data, &one); err != nil {
			return nil, fmt.Errorf("this is not the output of `docker inspect CONTAINER`: %w", err)
		}
		return &one, nil
	}
	var many []Inspect
	if err := json.Unmarshal(data, &many); err != nil {
		return nil, fmt.Errorf("this is not the output of `docker inspect CONTAINER`: %w", err)
	}
	if len(many) == 0 {
		return nil, errors.New("the inspection is an empty list: no such container?")
	}
	return &many[0], nil
}
