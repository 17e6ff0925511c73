package verify

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/aweigh/aweigh/internal/docker"
	"github.com/aweigh/aweigh/internal/proc"
	"github.com/aweigh/aweigh/internal/record"
	"github.com/aweigh/aweigh/internal/sockdiag"
)

// portOwner is who has a published port, on the host and in the container.
type portOwner struct {
	docker.Binding
	holder  string // of the port on the host; "" is nobody that can be seen
	foreign bool   // it is not this container
	hidden  string // why it cannot be told
	// listens says on which addresses something listens inside: "0.0.0.0",
	// "127.0.0.1"; nil where that cannot be seen.
	listens []string
	seen    bool // it could be looked inside
}

// owners looks at each published port of a container.
func owners(i docker.Instance) (all []portOwner) {
	if len(i.Bindings) == 0 {
		return nil
	}
	table := sockdiag.Open()
	defer table.Close()
	listeners, unseen := table.Listeners(nil)
	var inside []sockdiag.Socket
	seen := false
	if ours(i) {
		var err error
		inside, err = sockdiag.OfProcess(i.PID)
		seen = err == nil
	}
	for _, b := range i.Bindings {
		p := portOwner{Binding: b, seen: seen}
		if p.hold(listeners, i); unseen != nil {
			p.hidden = unseen.Error()
		}
		for _, s := range inside {
			if s.State == sockdiag.Listen && int(s.Local.Port()) == b.Port && !slices.Contains(p.listens, s.Local.Addr().String()) {
				p.listens = append(p.listens, s.Local.Addr().String())
			}
		}
		all = append(all, p)
	}
	return all
}

// ours reports whether the process of this number is that of the container: the
// engine may run on another host, or in a process namespace of its own.
func ours(i docker.Instance) bool {
	if i.PID <= 1 {
		return false
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", i.PID))
	return err == nil && strings.Contains(string(text), i.ID)
}

// hold finds who has the port on the host.
func (p *portOwner) hold(listeners []sockdiag.Socket, i docker.Instance) {
	for _, l := range p.listeners(listeners) {
		owner, ok := proc.Owner(l.Inode)
		if !ok {
			p.hidden = "the process that has it cannot be seen from here: run as root"
			continue
		}
		p.hidden = ""
		p.holder = fmt.Sprintf("%s (pid %d)", record.Printable(owner.Name), owner.PID)
		if !forwarder(owner) {
			p.foreign = true
			return
		}
		if elsewhere := p.leads(owner.Args, i); elsewhere != "" {
			p.holder += ", which forwards to " + elsewhere
			p.foreign = true
		}
		return
	}
}

// leads is where the forwarder of these arguments leads to, "" for the container. The
// address may be of any of its networks: the engine chooses by which one it is reached,
// and has a forwarder for IPv6 as well.
func (p *portOwner) leads(args []string, i docker.Instance) (elsewhere string) {
	ip, port := forwards(args)
	if port == 0 || port == p.Port && (i.Addr == "" || slices.Contains(i.Addrs, ip)) {
		return ""
	}
	return net.JoinHostPort(ip, strconv.Itoa(port))
}

// listeners are those that get what comes to the port at the address that it is
// published on. Who has that address itself comes before who has all of its family,
// and that before all of IPv6, which another program may have for IPv6 alone.
func (p *portOwner) listeners(all []sockdiag.Socket) (mine []sockdiag.Socket) {
	want, err := netip.ParseAddr(p.HostIP) // not for "", which is every address
	want = want.Unmap()
	best := 2
	for _, l := range all {
		addr, far := l.Local.Addr(), 2
		switch {
		case int(l.Local.Port()) != p.HostPort:
			continue
		case err != nil:
		case addr == want:
			far = 0
		case !addr.IsUnspecified():
			continue
		case addr.Is4() == want.Is4():
			far = 1
		}
		if far < best {
			best, mine = far, nil
		}
		if far == best {
			mine = append(mine, l)
		}
	}
	return mine
}

// forwarder reports whether a process is an engine's port forwarder.
func forwarder(p proc.Process) bool {
	names := []string{p.Name}
	if len(p.Args) > 0 {
		names = append(names, filepath.Base(p.Args[0]))
	}
	for _, name := range names {
		for _, known := range []string{"docker-proxy", "rootlessport", "rootlesskit", "conmon", "pasta", "slirp4netns", "dockerd"} {
			if strings.HasPrefix(name, known) {
				return true
			}
		}
	}
	return false
}

// forwards is where a docker-proxy leads to.
func forwards(args []string) (ip string, port int) {
	for n := 0; n+1 < len(args); n++ {
		switch args[n] {
		case "-container-ip":
			ip = args[n+1]
		case "-container-port":
			port, _ = strconv.Atoi(args[n+1])
		}
	}
	return ip, port
}
