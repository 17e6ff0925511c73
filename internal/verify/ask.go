package verify

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/aweigh/aweigh/internal/docker"
	"github.com/aweigh/aweigh/internal/expect"
	"github.com/aweigh/aweigh/internal/probe"
	"github.com/aweigh/aweigh/internal/watch"
)

// answer is what came of asking one endpoint.
type answer struct {
	asked   string // "" when there was nothing to ask, or no way
	wants   string
	ok      bool
	found   string
	why     string // why it was not asked
	guess   bool   // nobody says that the service listens there
	target  probe.Target
	want    *expect.Expr
	slowest time.Duration
	times   int
}

// askTimes is how often a good endpoint is asked, for its response time.
const askTimes = 3

// ask asks a container at its own address, as the watcher does.
func ask(ctx context.Context, t *Target, i docker.Instance) answer {
	c := i.Container
	c.Supervised = false // its word is looked for elsewhere
	targets, want, err := watch.Question(c, t.Settings)
	if err != nil {
		return answer{why: err.Error()}
	}
	if t.Settings.Probe == "none" {
		return answer{why: "its probe is none"}
	}
	guess := false
	if len(targets) == 0 {
		// Its health check is one that only the engine can ask.
		ports := c.Published
		if len(ports) == 0 {
			ports, guess = c.Exposed, true
		}
		for _, port := range ports {
			targets = append(targets, probe.Target{Protocol: probe.TCP, Host: c.Addr, Port: port})
		}
	} else if targets[0].Protocol == probe.TCP && t.Settings.Probe == "" && len(c.Published) == 0 {
		guess = !c.HealthCheck
	}
	if len(targets) == 0 {
		return answer{why: "it has neither a probe nor a port that is known"}
	}
	if targets[0].Host == "" && targets[0].Protocol != probe.Exec {
		return answer{why: "its own address is not reached from this host"}
	}
	var last answer
	for _, target := range targets {
		last = try(ctx, target, want, t.Settings.Timeout)
		last.guess = guess
		if last.ok {
			break
		}
	}
	for last.ok && last.times < askTimes {
		again := try(ctx, last.target, want, t.Settings.Timeout)
		last.times++
		last.slowest = max(last.slowest, again.slowest)
		if !again.ok {
			last.ok, last.found = false, again.found
		}
	}
	return last
}

func try(ctx context.Context, target probe.Target, want *expect.Expr, timeout time.Duration) answer {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	r := probe.Run(ctx, target, want)
	return answer{asked: target.String(), wants: wanted(target, want), ok: r.OK, found: r.Reason, target: target, want: want, slowest: r.Latency, times: 1}
}

// wanted says what a good answer is.
func wanted(t probe.Target, want *expect.Expr) string {
	if want != nil {
		return want.String()
	}
	switch t.Protocol {
	case probe.HTTP, probe.HTTPS:
		return "a 2xx"
	case probe.GRPC:
		return "SERVING"
	case probe.Exec:
		return "exit status 0"
	}
	return "a connection"
}

// askPublished asks each published port from the host. What is asked inside is
// asked of the port that leads there; of others, that somebody holds the
// connection: the engine's proxy accepts with nobody behind it, and hangs up.
func askPublished(ctx context.Context, t *Target, i docker.Instance, inside answer) (all []answer) {
	seen := map[string]bool{}
	for _, b := range i.Bindings {
		host := b.HostIP
		if host == "" {
			host = "127.0.0.1"
		}
		addr := net.JoinHostPort(host, strconv.Itoa(b.HostPort))
		if seen[addr] {
			continue // the engine binds IPv6 as well
		}
		seen[addr] = true
		if inside.asked != "" && inside.target.Port == b.Port && inside.target.Protocol != probe.TCP && inside.target.Protocol != probe.Exec {
			target := inside.target
			target.Host, target.Port = host, b.HostPort
			all = append(all, try(ctx, target, inside.want, t.Settings.Timeout))
			continue
		}
		a := answer{asked: "tcp://" + addr, wants: "a connection that is held", times: 1}
		began := time.Now()
		a.ok, a.found = held(ctx, addr)
		a.slowest = time.Since(began)
		all = append(all, a)
	}
	return all
}

// heldFor is how long a connection through the engine's proxy must stay open:
// with nobody behind it the proxy closes it at once.
const heldFor = 300 * time.Millisecond

func held(ctx context.Context, addr string) (bool, string) {
	d := net.Dialer{Timeout: 3 * time.Second}
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		_, reason := probe.Classify(err)
		return false, reason
	}
	defer conn.Close()
	conn.SetReadDeadline(time.Now().Add(heldFor))
	var one [1]byte
	n, err := conn.Read(one[:])
	switch {
	case n > 0:
		return true, "it speaks"
	case errors.Is(err, os.ErrDeadlineExceeded):
		return true, "the connection is held"
	}
	return false, fmt.Sprintf("the connection is closed at once: nobody is behind the published port (%v)", err)
}
