package gather

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// onHost tries from this host.
func onHost() place {
	var d net.Dialer
	return place{name: "host", dial: d.DialContext, resolve: func(ctx context.Context, host string) ([]netip.Addr, error) {
		return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	}}
}

// inside tries from within the network namespace of a process, with the
// process's own hosts file and name server.
func inside(n *namespace, pid int) place {
	root := "/proc/" + strconv.Itoa(pid) + "/root"
	return place{name: "container", dial: n.dial, resolve: func(ctx context.Context, host string) ([]netip.Addr, error) {
		if a := fromHosts(root, host); a != nil {
			return a, nil
		}
		servers := nameServers(root)
		if len(servers) == 0 {
			return nil, errors.New("it has no name server")
		}
		// The dot keeps this host's search list out of it.
		return resolver(n.dial, net.JoinHostPort(servers[0], "53")).LookupNetIP(ctx, "ip", strings.TrimSuffix(host, ".")+".")
	}}
}

// fromHosts finds a name in a root's /etc/hosts.
func fromHosts(root, host string) (found []netip.Addr) {
	eachLine(root, "etc/hosts", func(f []string) {
		if a, err := netip.ParseAddr(f[0]); err == nil {
			for _, name := range f[1:] {
				if strings.EqualFold(name, host) {
					found = append(found, a)
				}
			}
		}
	})
	return found
}

func nameServers(root string) (servers []string) {
	eachLine(root, "etc/resolv.conf", func(f []string) {
		if f[0] == "nameserver" && len(f) > 1 {
			if _, err := netip.ParseAddr(f[1]); err == nil {
				servers = append(servers, f[1])
			}
		}
	})
	return servers
}

// eachLine gives the words of each line of a file below a root that somebody
// else made: no link in it leads out of it, and no pipe holds us up.
func eachLine(root, name string, give func(words []string)) {
	dir, err := os.OpenRoot(root)
	if err != nil {
		return
	}
	defer dir.Close()
	f, err := dir.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return
	}
	defer f.Close()
	lines := bufio.NewScanner(io.LimitReader(f, 64<<10))
	for lines.Scan() {
		text, _, _ := strings.Cut(lines.Text(), "#")
		if words := strings.Fields(text); len(words) > 0 {
			give(words)
		}
	}
}

// reachableFromHost reports whether a target means the same on the host as in
// a container: an address that is not the loopback, or a name with a dot.
func reachableFromHost(t target) bool {
	if a, err := netip.ParseAddr(t.host); err == nil {
		return !a.IsLoopback()
	}
	return strings.Contains(t.host, ".")
}
