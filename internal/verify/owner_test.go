package verify

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/aweigh/aweigh/internal/docker"
	"github.com/aweigh/aweigh/internal/sockdiag"
)

// inspected is the one container of an engine that says this of its networks and ports.
func inspected(t *testing.T, networks, ports string) docker.Instance {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case strings.HasSuffix(r.URL.Path, "/containers/json"):
			fmt.Fprint(w, `[{"Id":"4f1c"}]`)
		case strings.HasSuffix(r.URL.Path, "/containers/4f1c/json"):
			fmt.Fprintf(w, `{"Id":"4f1c","Name":"/web","Config":{},"NetworkSettings":{"Networks":%s,"Ports":%s}}`, networks, ports)
		}
	}))
	t.Cleanup(s.Close)
	engine, err := docker.Open("tcp://" + s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { engine.Close() })
	all, err := engine.Instances(t.Context(), "", "web")
	if err != nil || len(all) != 1 {
		t.Fatal(err, all)
	}
	return all[0]
}

// A container in an internal network and in another one is published by way of the
// other: the engine's own forwarder was taken for a stranger. So was the one for IPv6.
func TestAForwarderMayLeadToAnyAddressOfTheContainer(t *testing.T) {
	i := inspected(t, `{"back":{"IPAddress":"172.18.0.2"},"front":{"IPAddress":"172.19.0.2","GlobalIPv6Address":"fd00::2"}}`, `{}`)
	p := portOwner{Binding: docker.Binding{HostPort: 8080, Port: 80}}
	for to, want := range map[string]string{"172.18.0.2:80": "", "172.19.0.2:80": "", "fd00::2:80": "", "172.19.0.3:80": "172.19.0.3:80", "172.19.0.2:81": "172.19.0.2:81"} {
		colon := strings.LastIndex(to, ":")
		args := []string{"/usr/bin/docker-proxy", "-proto", "tcp", "-host-port", "8080", "-container-ip", to[:colon], "-container-port", to[colon+1:]}
		if got := p.leads(args, i); got != want {
			t.Errorf("to %s leads to %q", to, got)
		}
	}
}

// A port of one address is not held by who has it for IPv6 alone, as nginx does: that
// was a stranger on the port, or not, as the kernel happened to list them.
func TestThePortOfAnAddressIsHeldByWhoIsNearest(t *testing.T) {
	for _, c := range []struct{ hostIP, listeners, want string }{
		{"127.0.0.1", "[::]:8080 127.0.0.1:8080", "127.0.0.1:8080"},
		{"127.0.0.1", "[::]:8080 0.0.0.0:8080", "0.0.0.0:8080"},
		{"127.0.0.1", "[::]:8080 10.0.0.1:8080 127.0.0.1:80", "[::]:8080"},
		{"::1", "0.0.0.0:8080 [::]:8080", "[::]:8080"},
		{"", "[::]:8080 127.0.0.1:8080", "[::]:8080 127.0.0.1:8080"},
	} {
		var all []sockdiag.Socket
		for _, l := range strings.Fields(c.listeners) {
			all = append(all, sockdiag.Socket{Local: netip.MustParseAddrPort(l)})
		}
		p := portOwner{Binding: docker.Binding{HostIP: c.hostIP, HostPort: 8080}}
		var got []string
		for _, l := range p.listeners(all) {
			got = append(got, l.Local.String())
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%q of %s: %q", c.hostIP, c.listeners, got)
		}
	}
}

// A port that is published for IPv6 alone was asked at 127.0.0.1, where nobody is.
func TestAPortOfIPv6AloneIsAskedThere(t *testing.T) {
	i := inspected(t, `{}`, `{"80/tcp":[{"HostIp":"::","HostPort":"8080"}],"81/tcp":[{"HostIp":"0.0.0.0","HostPort":"8081"},{"HostIp":"::","HostPort":"8081"}]}`)
	at := map[int][]string{}
	for _, b := range i.Bindings {
		at[b.Port] = append(at[b.Port], b.HostIP)
	}
	if want := map[int][]string{80: {"::1"}, 81: {"", ""}}; !reflect.DeepEqual(at, want) {
		t.Errorf("got %v, want %v", at, want)
	}
}
