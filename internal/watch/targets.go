package watch

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/config"
	"github.com/aweigh/aweigh/internal/core"
	"github.com/aweigh/aweigh/internal/expect"
	"github.com/aweigh/aweigh/internal/probe"
)

// question is what the watcher asks an instance, from the host.
type question struct {
	targets []probe.Target // any of them proves that it serves
	want    *expect.Expr
	count   func(up, ok bool, took time.Duration) // for the metrics
}

// questionOf is how to ask an instance, if there is anything to ask. The
// instance's own address is asked, never a published port: the engine's proxy
// takes connections there with nobody behind it.
func questionOf(i *core.Instance) (question, error) {
	c := &i.Container
	own, _ := netip.ParseAddr(c.Addr)
	switch i.Proof() {
	case core.ByProbe:
		return fromSettings(i, own)
	case core.ByHealth:
		return fromHealth(c, own), nil
	case core.ByPort:
		return overTCP(own, c.Published), nil
	case core.ByGuess:
		return overTCP(own, c.Exposed), nil
	}
	return question{}, nil // aweigh-init asks by itself, or there is nothing to ask
}

func fromSettings(i *core.Instance, own netip.Addr) (question, error) {
	s := &i.Settings
	port := 0
	if ports := append(append([]int{}, i.Container.Published...), i.Container.Exposed...); len(ports) > 0 {
		port = ports[0]
	}
	t, err := probe.Parse(s.Probe, port)
	if err != nil {
		return question{}, fmt.Errorf("probe of %s: %w", i.Container.Service, err)
	}
	if t.Protocol != probe.Exec && t.Host == "" {
		if !own.IsValid() {
			return question{}, fmt.Errorf("probe of %s: the container has no address of its own that this host reaches: name a host in the probe", i.Container.Service)
		}
		t = t.WithAddr(netip.AddrPortFrom(own, uint16(t.Port)))
	}
	q := question{targets: []probe.Target{t}}
	if s.Expect != "" {
		if q.want, err = expect.Compile(s.Expect); err != nil {
			return question{}, fmt.Errorf("expect of %s: %w", i.Container.Service, err)
		}
	}
	return q, nil
}

// fromHealth asks from the host what the container's health check asks inside.
func fromHealth(c *aweigh.Container, own netip.Addr) question {
	url, ok := config.ProbeFromHealthcheck(c.HealthTest)
	if !ok || !own.IsValid() {
		return question{}
	}
	t, err := probe.Parse(url, 0)
	if err != nil || t.Protocol == probe.Exec || t.Host != "" {
		return question{}
	}
	return question{targets: []probe.Target{t.WithAddr(netip.AddrPortFrom(own, uint16(t.Port)))}}
}

func overTCP(own netip.Addr, ports []int) question {
	return question{targets: portsOf(own, ports[:min(len(ports), 8)])}
}

func portsOf(own netip.Addr, ports []int) (targets []probe.Target) {
	for _, port := range ports {
		targets = append(targets, probe.Target{Protocol: probe.TCP, Host: own.String(), Port: port})
	}
	return targets
}

// publishedOf are the ports that must lead to an instance although something else
// proves it.
func publishedOf(i *core.Instance) []probe.Target {
	own, _ := netip.ParseAddr(i.Container.Addr)
	switch i.Proof() {
	case core.ByProbe, core.ByWord, core.ByHealth:
		if own.IsValid() && !own.IsLoopback() { // on the host's network it publishes nothing
			return portsOf(own, i.Container.Published)
		}
	}
	return nil
}

// Question is what the watcher would ask a container with these settings, and
// what a good answer is (nil: the protocol's own idea of that). There are no
// targets where there is nothing to ask.
func Question(c aweigh.Container, s core.Settings) ([]probe.Target, *expect.Expr, error) {
	q, err := questionOf(&core.Instance{Container: c, Settings: s})
	return q.targets, q.want, err
}
