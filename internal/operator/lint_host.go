package operator

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/compose"
	"github.com/aweigh/aweigh/internal/docker"
	"github.com/aweigh/aweigh/internal/lint"
	"github.com/aweigh/aweigh/internal/proc"
	"github.com/aweigh/aweigh/internal/record"
	"github.com/aweigh/aweigh/internal/sockdiag"
	"github.com/aweigh/aweigh/internal/store"
)

// hostView is what this host knows that compose files do not say.
type hostView struct {
	engine  *docker.Engine // nil: none answers
	starts  []aweigh.Start
	watcher lint.Watcher
	unknown []string // what could not be looked at, and why
}

func lookAround(ctx context.Context, state, engine string) *hostView {
	h := &hostView{watcher: lint.Watcher{Dir: state}}
	if engine != "none" {
		if err := h.connect(ctx, engine); err != nil {
			h.unknown = append(h.unknown, fmt.Sprintf("programs and health checks of images (%v)", err))
		}
	}
	if st, err := store.OpenToRead(ctx, state); err == nil {
		h.watcher.Last, _ = st.LastBeat(ctx)
		h.starts, _ = st.Starts(ctx, store.StartQuery{Limit: 20000})
		st.Close()
	}
	h.starts = append(h.starts, recordedStarts(state, h.starts)...)
	return h
}

func (h *hostView) connect(ctx context.Context, host string) error {
	engine, err := openEngine(host)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := engine.Check(ctx); err != nil {
		engine.Close()
		return err
	}
	h.engine = engine
	return nil
}

func (h *hostView) close() {
	if h.engine != nil {
		h.engine.Close()
	}
}

// recordedStarts are those that only records tell of: of `aweigh run` without a
// watcher.
func recordedStarts(state string, known []aweigh.Start) (all []aweigh.Start) {
	dir, err := record.OpenToRead(state)
	if err != nil {
		return nil
	}
	defer dir.Close()
	have := map[string]bool{}
	for _, s := range known {
		have[s.ID] = true
	}
	records, _ := dir.Records("")
	for _, r := range records {
		if !have[r.ID()] {
			all = append(all, r.Start())
		}
	}
	return all
}

// input is what lint looks at.
func (h *hostView) input(ctx context.Context, project *compose.Project, services []string) lint.Input {
	in := lint.Input{Project: project, Services: services, Watcher: h.watcher, Rotated: h.rotated(ctx), Listeners: h.listeners(ctx)}
	in.Measured = func(service string) lint.Measured { return h.measured(ctx, project.Name, service) }
	if h.engine == nil {
		return in
	}
	in.Images = func(ref string) (lint.Image, bool) {
		i, err := h.engine.Image(ctx, ref)
		if err != nil {
			return lint.Image{}, false
		}
		image := lint.Image{HealthTest: i.HealthTest, StartPeriod: i.StartPeriod, Interval: i.Interval, Timeout: i.Timeout, Retries: i.Retries,
			Entrypoint: i.Entrypoint, Cmd: i.Cmd}
		for _, port := range i.Exposed {
			number, protocol, _ := strings.Cut(port, "/")
			if n, err := strconv.Atoi(number); err == nil && protocol != "udp" {
				image.Exposed = append(image.Exposed, n)
			}
		}
		return image, true
	}
	in.Lacks = func(ref string, programs []string) ([]string, bool) {
		missing, err := h.engine.Lacks(ctx, ref, programs)
		return missing, err == nil
	}
	return in
}

func (h *hostView) measured(ctx context.Context, project, service string) (m lint.Measured) {
	for _, s := range h.starts {
		if s.Service != service || s.Project != "" && s.Project != project {
			continue
		}
		if s.Verdict == aweigh.Ready && s.TookMS != nil {
			m.Ready = append(m.Ready, time.Duration(*s.TookMS)*time.Millisecond)
		}
		if s.Exit != nil && s.Exit.OOM || s.Run != nil && s.Run.End == aweigh.RunOOMKilled {
			m.OOM++
		}
	}
	if h.engine == nil {
		return m
	}
	instances, _ := h.engine.Instances(ctx, project, service)
	for _, i := range instances {
		if n, err := h.engine.MemoryInUse(ctx, i.ID); err == nil {
			m.Peak = max(m.Peak, n)
		}
	}
	return m
}

// listeners are the taken ports of this host, with the containers that have them
// published.
func (h *hostView) listeners(ctx context.Context) (all []lint.Listener) {
	byPort := map[int]docker.Published{}
	if h.engine != nil {
		published, _ := h.engine.Published(ctx)
		for _, p := range published {
			byPort[p.Port] = p
		}
	}
	table := sockdiag.Open()
	defer table.Close()
	sockets, err := table.Listeners(nil)
	if err != nil {
		return nil
	}
	for _, s := range sockets {
		l := lint.Listener{Addr: s.Local.Addr().String(), Port: int(s.Local.Port())}
		if o, ok := byPort[l.Port]; ok {
			l.By, l.Project, l.Service = "container "+o.Name, o.Project, o.Service
		} else if p, ok := proc.Owner(s.Inode); ok {
			l.By = fmt.Sprintf("%s (pid %d)", p.Name, p.PID)
		}
		all = append(all, l)
	}
	return all
}

// rotated reports whether containers that say nothing have bounded logs here.
func (h *hostView) rotated(ctx context.Context) bool {
	if h.engine == nil {
		return false
	}
	driver, err := h.engine.LogDriver(ctx)
	if err != nil || driver != "json-file" {
		return err == nil && driver != ""
	}
	text, err := os.ReadFile("/etc/docker/daemon.json")
	if err != nil {
		return false
	}
	var said struct {
		Options map[string]string `json:"log-opts"`
	}
	return json.Unmarshal(text, &said) == nil && said.Options["max-size"] != ""
}
