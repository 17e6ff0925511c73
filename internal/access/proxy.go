package access

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// foreign says why a request is not meant for this server: it came by a name
// that is not ours. A page of somebody else can have its name point to
// 127.0.0.1, and would then be of the same origin (DNS rebinding). Where a
// credential is needed that page has none, so that only loopback is checked.
func (g *Guard) foreign(r *http.Request) string {
	if !g.rules.Open {
		return ""
	}
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	ip, err := netip.ParseAddr(host)
	switch {
	case host == "localhost", err == nil && ip.Unmap().IsLoopback(), slices.Contains(g.rules.Hosts, host):
	default:
		return fmt.Sprintf("this server is not called %.100q: name it in web.hosts of aweigh.yaml if it should be", host)
	}
	// A proxy on this machine would open to the world what is open to the machine.
	if g.free && forwarded(r) && !g.fromProxy(r) {
		return "a proxy has forwarded this, and nobody was asked who they are: set a token or users below web: in aweigh.yaml, and name the proxy in web.proxies"
	}
	return ""
}

func forwarded(r *http.Request) bool {
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Via"} {
		if r.Header.Get(name) != "" {
			return true
		}
	}
	return false
}

// fromProxy reports whether a named proxy has sent the request.
func (g *Guard) fromProxy(r *http.Request) bool { return g.isProxy(peer(r)) }

func (g *Guard) isProxy(ip netip.Addr) bool {
	return slices.ContainsFunc(g.rules.Proxies, func(p netip.Prefix) bool { return p.Contains(ip) })
}

func peer(r *http.Request) netip.Addr {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr().Unmap()
}

// client is the address of who asks: the peer, or what named proxies say of it.
// Of X-Forwarded-For the last address that is no proxy counts; what stands before
// it anybody can have written. A whole IPv6 network of one person is one client.
func (g *Guard) client(r *http.Request) string {
	ip := peer(r)
	if g.isProxy(ip) {
		hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
		for _, hop := range slices.Backward(hops) {
			next, err := netip.ParseAddr(strings.TrimSpace(hop))
			if err != nil {
				break
			}
			if ip = next.Unmap(); !g.isProxy(ip) {
				break
			}
		}
	}
	if ip.Is6() {
		if net64, err := ip.Prefix(64); err == nil {
			return net64.String()
		}
	}
	return ip.String()
}

// secure reports whether the browser has come over TLS.
func (g *Guard) secure(r *http.Request) bool {
	return r.TLS != nil || g.fromProxy(r) && strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
}
