package preflight

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/aweigh/aweigh/internal/cli"
	"github.com/aweigh/aweigh/internal/docker"
	"github.com/aweigh/aweigh/internal/proc"
	"github.com/aweigh/aweigh/internal/record"
	"github.com/aweigh/aweigh/internal/sockdiag"
)

// oldestAPI is the API of Engine 20.10, the oldest that is tested with.
const oldestAPI = 41

func (f *flight) engine(ctx context.Context) []Check {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	v, err := f.Engine.Version(ctx)
	if err != nil {
		f.down = true
		return of(Failed, "Start the engine, or name another with --docker.", "%v", err)
	}
	if _, minor, ok := strings.Cut(v.API, "."); ok {
		if n, err := strconv.Atoi(minor); err == nil && n < oldestAPI {
			return of(Warning, "Update the engine to 20.10 or newer.", "engine %s, API %s, is older than what was tested", v.Engine, v.API)
		}
	}
	return of(Passed, "", "engine %s, API %s", v.Engine, v.API)
}

func (f *flight) tool(context.Context) []Check {
	if f.Tool == nil {
		f.down = true
		return of(Failed, "Install docker-compose-plugin, or docker-compose.", "%v", f.ToolErr)
	}
	if f.Tool.Old() && len(f.Choice.EnvFiles) > 1 {
		return of(Failed, "Put the variables into one file, or install docker-compose-plugin.", "%s takes one --env-file only", f.Tool)
	}
	return of(Passed, "", "%s", f.Tool)
}

// file lets Compose itself read the files: it may know less, or more, than we.
func (f *flight) file(ctx context.Context) []Check {
	if err := f.Tool.Run(ctx, f.Choice, nil, "config", "--quiet"); err != nil {
		f.down = true
		return of(Failed, "Correct the compose file.", "%s", record.Printable(err.Error()))
	}
	return of(Passed, "", "project %s, %d services", f.Project.Name, len(f.Services))
}

// Room that is too little, and room that is little.
const (
	noRoom     = 256 << 20
	littleRoom = 2 << 30
)

func (f *flight) disk(ctx context.Context) []Check {
	if !f.Local {
		return of(Unknown, "", "the engine is on another host")
	}
	v, err := f.Engine.Version(ctx)
	if err != nil || v.Root == "" {
		return of(Unknown, "", "the engine does not say where it keeps its data")
	}
	var fs syscall.Statfs_t
	if err := syscall.Statfs(v.Root, &fs); err != nil {
		return of(Unknown, "", "%s: %v", v.Root, err)
	}
	free := int64(fs.Bavail) * fs.Bsize
	inodes := 100
	if fs.Files > 0 {
		inodes = int(fs.Ffree * 100 / fs.Files)
	}
	found := fmt.Sprintf("%s free in %s, %d%% of the inodes", size(free), v.Root, inodes)
	const fix = "Make room: docker image prune, docker builder prune."
	switch {
	case free < noRoom || inodes < 1:
		return of(Failed, fix, "%s", found)
	case free < littleRoom || inodes < 5:
		return of(Warning, fix, "%s", found)
	}
	return of(Passed, "", "%s", found)
}

// noMemory is what must be available in any case.
const noMemory = 64 << 20

func (f *flight) memory(ctx context.Context) []Check {
	if !f.Local {
		return of(Unknown, "", "the engine is on another host")
	}
	available, err := available()
	if err != nil {
		return of(Unknown, "", "%v", err)
	}
	var wanted int64 // by services that do not run yet
	for _, name := range f.Services {
		s := f.Project.All()[name]
		if now, err := f.Engine.Instances(ctx, f.Project.Name, name); err != nil || len(now) > 0 {
			continue
		}
		limit := int64(s.MemLimit)
		if s.Deploy != nil && s.Deploy.Resources.Limits != nil {
			limit = max(limit, int64(s.Deploy.Resources.Limits.MemoryBytes))
		}
		wanted += limit * int64(s.GetScale())
	}
	switch {
	case available < noMemory:
		return of(Failed, "Free memory, or move a service.", "%s available", size(available))
	case wanted > available:
		return of(Warning, "Lower the limits, or free memory.", "%s available, and services that are new may take %s", size(available), size(wanted))
	}
	return of(Passed, "", "%s available", size(available))
}

func available() (int64, error) {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "MemAvailable:"); ok {
			n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return n << 10, err
		}
	}
	return 0, fmt.Errorf("the kernel does not say how much memory is available")
}

// ports asks who has the ports that are to be published.
func (f *flight) ports(ctx context.Context) []Check {
	taken, err := f.Engine.Published(ctx)
	if err != nil {
		return of(Unknown, "", "%v", err)
	}
	var all []Check
	n := 0
	for _, name := range f.Services {
		for _, p := range f.Project.All()[name].Ports {
			port, err := strconv.Atoi(p.Published)
			if err != nil || port == 0 || p.Protocol == "udp" {
				continue // any free one, or a range: Compose chooses
			}
			n++
			if holder := f.holder(taken, port, p.HostIP); holder != "" {
				all = append(all, Check{Service: name, Verdict: Failed, Found: fmt.Sprintf("port %d is already in use by %s", port, holder), Fix: "Stop that, or publish another port."})
			}
		}
	}
	if all == nil {
		return of(Passed, "", "%s", counted(n, "port is", "ports are")+" free, or the project's own")
	}
	return all
}

// holder is who has a port; "" for nobody, and for a service that is deployed, which lets
// go of it.
func (f *flight) holder(taken []docker.Published, port int, ip string) string {
	wanted, _ := netip.ParseAddr(ip)
	every := func(a netip.Addr) bool { return !a.IsValid() || a.IsUnspecified() }
	own := false
	for _, t := range taken {
		switch name := record.Printable(t.Name); {
		case t.Port != port || t.IP != wanted && !every(t.IP) && !every(wanted):
			continue
		case t.Project != f.Project.Name:
			return "container " + name
		case !slices.Contains(f.Services, t.Service):
			return "container " + name + ", which the deployment leaves as it is"
		}
		own = true
	}
	if own {
		return ""
	}
	if !f.Local {
		return ""
	}
	table := sockdiag.Open()
	defer table.Close()
	listeners, err := table.Listeners(nil)
	if err != nil {
		return ""
	}
	for _, l := range listeners {
		local := l.Local.Addr()
		if int(l.Local.Port()) != port || ip != "" && ip != "0.0.0.0" && ip != "::" && !local.IsUnspecified() && local.String() != ip {
			continue
		}
		if owner, ok := proc.Owner(l.Inode); ok {
			return fmt.Sprintf("%s (pid %d)", record.Printable(owner.Name), owner.PID)
		}
		return "a process that cannot be seen from here"
	}
	return ""
}

func (f *flight) migrations(ctx context.Context) []Check {
	if f.Migrations == nil {
		return of(Skipped, "", "no command is set that would tell")
	}
	out, err := f.Migrations(ctx)
	said := cli.Shorten(record.Printable(strings.Join(strings.Fields(out), " ")), 160)
	if err != nil {
		return of(Warning, "Have a hook before.apply migrate, or do it yourself.", "migrations are pending, or it cannot be told: %v: %s", err, said)
	}
	return of(Passed, "", "none is pending")
}

func size(n int64) string {
	if n >= 1<<30 {
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	}
	return fmt.Sprintf("%d MiB", n>>20)
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
