package drill

import (
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/moby/moby/api/types/container"

	"github.com/aweigh/aweigh/internal/core"
	"github.com/aweigh/aweigh/internal/probe"
)

// pace is how long things take in a drill. What is proven is the same as with
// the user's deadlines, but for how long it takes.
type pace struct {
	startup time.Duration // deadline of a start
	probe   string        // how the copy is asked; "" lets the watcher find out
}

const (
	// firstStartup is the deadline of the start that shows how long one takes.
	firstStartup = 90 * time.Second
	// leastStartup is the shortest deadline: a machine may have more to do.
	leastStartup = 8 * time.Second
	interval     = time.Second
	settle       = time.Second
	// patience is how much later than at its deadline something may be seen and
	// told: a process must be started, a disk written, a server asked.
	patience = 15 * time.Second
)

// deadline is a start's deadline for a service that takes so long.
func deadline(took time.Duration) time.Duration {
	return max(leastStartup, 2*took+5*time.Second).Round(time.Second)
}

// settings are the watcher's for a copy, as its labels say them.
func (r *run) settings() map[string]string {
	in := r.Settings
	m := map[string]string{
		"startup_timeout": r.startup.String(), "confirm_within": (2 * r.startup).String(),
		"interval": interval.String(), "timeout": min(in.Timeout, 3*time.Second).String(), "retries": strconv.Itoa(min(in.Retries, 5)),
		"settle": settle.String(), "silence": "off", "remind_every": "off", "tell_ready": "false",
		"crash_loop.crashes": strconv.Itoa(min(in.LoopCrashes, 5)), "crash_loop.within": in.LoopWindow.String(), "crash_loop.brake": "off",
	}
	if r.pace.probe != "" {
		m["probe"] = r.pace.probe
		if in.Expect != "" && in.Probe != "" {
			m["expect"] = in.Expect
		}
	}
	return m
}

// asLabels is a watcher's settings as the labels of a container that has them,
// whichever watcher looks at it.
func asLabels(settings map[string]string) map[string]string {
	labels := map[string]string{}
	for key, value := range settings {
		labels["aweigh."+key] = value
	}
	return labels
}

// startTime is how long the watcher lets a start take: a health check may take
// longer than the deadline (docs/watch.md, Deadlines).
func (r *run) startTime() time.Duration {
	h := hurried(r.service.Config.Healthcheck, r.startup)
	if r.steady.how != core.ByHealth || h == nil {
		return r.startup
	}
	return max(r.startup, h.StartPeriod+time.Duration(h.Retries)*(h.Interval+h.Timeout))
}

// failTime is how long it takes to count the failed answers that are too many.
func (r *run) failTime() time.Duration {
	retries := time.Duration(min(r.Settings.Retries, 5))
	return retries * (interval + min(r.Settings.Timeout, 3*time.Second))
}

// ownProbe is the user's probe, asked of the copy: a host in it would be the
// original. It is "" where there is none that could be asked so, with the
// reason.
func ownProbe(text string, published map[int]int) (url, why string) {
	if text == "" || text == "none" {
		return text, ""
	}
	t, err := probe.Parse(text, 0)
	switch {
	case err != nil:
		return text, "" // a path, and the watcher finds the port
	case t.Protocol == probe.Exec:
		return "", "its probe is a command on this host, which would ask the original: its health check or its ports are asked instead"
	case t.Host == "":
		return text, ""
	}
	port := t.Port
	if inside, ok := published[port]; ok {
		port = inside
	}
	return withoutHost(text, port), ""
}

// withoutHost is a URL of the container itself.
func withoutHost(text string, port int) string {
	u, err := url.Parse(text)
	if err != nil {
		return text
	}
	u.Host = ":" + strconv.Itoa(port)
	return u.String()
}

// pinned is the probe of a port that was seen to answer, so that the drills
// depend on it: of a port that nobody has proven a silence means little.
func pinned(target string) string {
	_, port, err := net.SplitHostPort(strings.TrimPrefix(target, "tcp://"))
	if err != nil {
		return ""
	}
	return "tcp://:" + port
}

// restarts reports whether the engine starts the service again whatever its
// exit status.
func (s *Service) restarts() bool {
	p := s.Host.RestartPolicy.Name
	return p == container.RestartPolicyAlways || p == container.RestartPolicyUnlessStopped
}
