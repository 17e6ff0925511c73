package gather

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/aweigh/aweigh/internal/diagnose"
	"github.com/aweigh/aweigh/internal/docker"
	"github.com/aweigh/aweigh/internal/proc"
	"github.com/aweigh/aweigh/internal/snapshot"
	"github.com/aweigh/aweigh/internal/sockdiag"
)

// Holders finds who has the host's ports that a container which does not run
// wants to publish. An error is about what could not be read; what was found is
// returned all the same.
func Holders(ctx context.Context, e *docker.Engine, in *diagnose.Inspect) (all []diagnose.Holder, err error) {
	table := sockdiag.Open()
	defer table.Close()
	listeners, err := table.Listeners(nil)
	for _, bindings := range in.HostConfig.PortBindings {
		for _, b := range bindings {
			port, _ := strconv.Atoi(b.HostPort)
			if port == 0 {
				continue // the engine chooses one that is free
			}
			who := e.PublishedBy(ctx, port)
			if who == "" {
				who = holder(port, listeners)
			}
			if who != "" {
				all = append(all, diagnose.Holder{Port: port, Who: fmt.Sprintf("port %d of this host is held by %s", port, who)})
			}
		}
	}
	return all, err
}

// holder names the process that listens on a port of this host, "" if none
// does.
func holder(port int, listeners []sockdiag.Socket) string {
	for _, l := range listeners {
		if int(l.Local.Port()) != port {
			continue
		}
		p, ok := proc.Owner(l.Inode)
		if !ok {
			return fmt.Sprintf("a process of uid %d that may not be looked into (at %s): run as root", l.UID, l.Local)
		}
		command := strings.Join(snapshot.MaskArgs(p.Args), " ")
		if command == "" {
			command = p.Name
		}
		if len(command) > 80 {
			command = command[:80] + "…"
		}
		return fmt.Sprintf("%s (pid %d)", proc.Clean(command), p.PID)
	}
	return ""
}
