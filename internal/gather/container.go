package gather

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aweigh/aweigh/internal/diagnose"
	"github.com/aweigh/aweigh/internal/docker"
)

// Container collects what can be known of a container now, but for its output:
// see Found.ReadLog and Found.ReadRecord. An error means that the engine does
// not know it.
func Container(ctx context.Context, e *docker.Engine, id string, o Options) (*Found, error) {
	in, err := e.Inspect(ctx, id)
	if err != nil {
		return nil, err
	}
	f := &Found{Service: in.Container.Service, Instance: short(in.Container.ID), Began: in.Container.Started, Inspection: &in}
	if f.Evidence.Inspect, err = diagnose.ParseInspect(in.Raw); err != nil {
		f.note(err.Error())
	}
	if text := in.Container.Error; text != "" {
		f.Evidence.Daemon = []byte(text + "\n")
	}
	if exit := in.Container.Exit; exit != nil {
		f.Evidence.ExitCode = &exit.Code
	}
	var s *subject
	observed := in.Container.Finished.Sub(in.Container.Started)
	if in.PID > 0 {
		observed = time.Since(in.Container.Started)
	}
	f.Evidence.Runtime = &diagnose.Runtime{ObservedSeconds: seconds(max(0, observed))}
	switch {
	case in.PID > 0 && belongs(in.PID, in.Container.ID):
		s, f.Evidence.Runtime = f.lookAt(in.PID, observed)
	case in.PID > 0:
		f.Evidence.Runtime.Running = true
		f.note(fmt.Sprintf("its processes cannot be seen from here (process %d is none of its): run aweigh on the engine's host, in its PID namespace", in.PID))
	}
	f.Evidence.ExpectedPort = f.port(o)
	if f.Evidence.Runtime.Running {
		f.ask(ctx, in)
	}
	if in.PID == 0 && f.Evidence.Inspect != nil {
		f.Live.Holders, err = Holders(ctx, e, f.Evidence.Inspect)
		if err != nil {
			f.note(fmt.Sprintf("who listens on this host cannot be read: %v", err))
		}
	}
	f.host(in, s)
	return f, nil
}

func short(id string) string { return id[:min(len(id), 12)] }

// port is the one that must be served: what the caller says, else what the
// probe asks, else a published port that nothing of it listens on, else an
// exposed one. Images declare ports in vain, so that of those one which is
// served is the better guess.
func (f *Found) port(o Options) int {
	if o.Port != 0 {
		return o.Port
	}
	c := &f.Inspection.Container
	if port := probePort(c.Labels["aweigh.probe"]); port != 0 {
		return port
	}
	served := func(port int) bool {
		return slices.ContainsFunc(f.Evidence.Runtime.Owned, func(at string) bool { return strings.HasSuffix(at, ":"+strconv.Itoa(port)) })
	}
	if i := slices.IndexFunc(c.Published, func(port int) bool { return !served(port) }); i >= 0 {
		return c.Published[i]
	}
	for _, all := range [][]int{c.Published, c.Exposed} {
		if i := slices.IndexFunc(all, served); i >= 0 {
			return all[i]
		}
		if len(all) > 0 {
			return all[0]
		}
	}
	return 0
}

// probePort is the port of a probe's URL, such as "http://:8080/health".
func probePort(probe string) int {
	_, rest, ok := strings.Cut(probe, "://")
	if !ok {
		return 0
	}
	host, _, _ := strings.Cut(rest, "/")
	_, text, err := net.SplitHostPort(host)
	if err != nil {
		return 0
	}
	port, _ := strconv.Atoi(text)
	return port
}

// ask connects to the expected port, at the container's own address and where
// it is published.
func (f *Found) ask(ctx context.Context, in docker.Inspection) {
	port := f.Evidence.ExpectedPort
	if port == 0 {
		return
	}
	var d net.Dialer
	r := f.Evidence.Runtime
	if in.Container.Addr != "" {
		r.ContainerProbe = probe(ctx, d.DialContext, net.JoinHostPort(in.Container.Addr, strconv.Itoa(port)))
	}
	if at := in.At[port]; at != "" {
		r.PublishedProbe = probe(ctx, d.DialContext, at)
	}
}
