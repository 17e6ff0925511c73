package preflight

import (
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"

	"github.com/aweigh/aweigh/internal/docker"
)

// real names what of a container reaches beyond itself, so that no copy of it is
// harmless; "" if there is nothing.
func real(t docker.Twin) string {
	h := t.Host
	switch {
	case h.Privileged:
		return "it is privileged"
	case h.PidMode.IsHost() || h.PidMode.IsContainer():
		return "it shares the processes of others (pid: " + string(h.PidMode) + ")"
	case h.IpcMode.IsHost() || h.IpcMode.IsContainer():
		return "it shares memory with others (ipc)"
	case h.NetworkMode.IsContainer():
		return "it shares the network of another container"
	case len(h.Devices) > 0 || len(h.DeviceRequests) > 0:
		return "it has devices"
	case len(h.VolumesFrom) > 0:
		return "it has the volumes of another container"
	}
	return ""
}

// throwaway is a container like the model, on the trial's own network, that
// publishes nothing, is not started again, and writes to nothing that is real.
func (b *booth) throwaway(model docker.Twin) docker.Twin {
	t := model
	config, host := *model.Config, *model.Host
	config.Labels = maps.Clone(config.Labels)
	maps.DeleteFunc(config.Labels, func(label, _ string) bool { return !known(label) })
	config.Labels[Label] = b.project
	config.Labels["aweigh.ignore"] = "true"
	host.PortBindings, host.PublishAllPorts, host.Links = nil, false, nil
	host.RestartPolicy = container.RestartPolicy{Name: "no"}
	host.NetworkMode = container.NetworkMode(b.network)
	host.Binds = binds(host.Binds, b.ours)
	host.Mounts = mounts(host.Mounts, b.ours)
	names := []string{model.Service}
	for _, e := range model.Networks {
		if e != nil {
			names = append(names, e.Aliases...)
		}
	}
	names = slices.DeleteFunc(names, func(n string) bool { return n == "" || strings.HasPrefix(model.ID, n) })
	t.Name = b.project + "-" + model.Service
	t.Config, t.Host, t.Mounts = &config, &host, nil
	t.Networks = docker.Isolated(b.network, names...)
	return t
}

// known reports whether a label is for us, or says which service it is. All others
// are requests to those who read the engine: Traefik sends visitors to a container
// for its labels, or drops the route that two define differently.
func known(label string) bool {
	return strings.HasPrefix(label, "com.docker.compose.") || strings.HasPrefix(label, "aweigh.")
}

// ours reports whether a volume was made for the trial, and is empty: Compose begins its
// name with that of the project. One with a name of its own is real, and so is one that a
// driver or its options have lead elsewhere, to a directory of the host or a server.
func (b *booth) ours(volume string) bool {
	key, made := strings.CutPrefix(volume, b.project+"_")
	if !made {
		return false
	}
	v := b.Project.Volumes[key]
	return (v.Driver == "" || v.Driver == "local") && len(v.DriverOpts) == 0
}

// binds takes paths of the host for reading only, and leaves real volumes and
// sockets out: a socket is not read, it is talked to.
func binds(all []string, ours func(volume string) bool) (kept []string) {
	for _, bind := range all {
		parts := strings.Split(bind, ":")
		switch {
		case len(parts) < 2:
			kept = append(kept, bind)
		case strings.HasPrefix(parts[0], "/"):
			if !socket(parts[0]) {
				kept = append(kept, parts[0]+":"+parts[1]+":ro")
			}
		case ours(parts[0]):
			kept = append(kept, bind)
		}
	}
	return kept
}

func mounts(all []mount.Mount, ours func(volume string) bool) (kept []mount.Mount) {
	for _, m := range all {
		switch m.Type {
		case mount.TypeBind:
			if socket(m.Source) {
				continue
			}
			m.ReadOnly = true
		case mount.TypeVolume:
			if m.Source != "" && !ours(m.Source) {
				continue
			}
		case mount.TypeTmpfs:
		default:
			continue
		}
		kept = append(kept, m)
	}
	return kept
}

func socket(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.Mode()&os.ModeSocket != 0
}
