package verify

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aweigh/aweigh/internal/docker"
)

// inspected is the one container of an engine that says this of its networks.
func inspected(t *testing.T, networks string) docker.Instance {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case strings.HasSuffix(r.URL.Path, "/containers/json"):
			fmt.Fprint(w, `[{"Id":"4f1c"}]`)
		case strings.HasSuffix(r.URL.Path, "/containers/4f1c/json"):
			fmt.Fprintf(w, `{"Id":"4f1c","Name":"/web","Config":{},"NetworkSettings":{"Networks":%s}}`, networks)
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
	i := inspected(t, `{"back":{"IPAddress":"172.18.0.2"},"front":{"IPAddress":"172.19.0.2","GlobalIPv6Address":"fd00::2"}}`)
	p := portOwner{Binding: docker.Binding{HostPort: 8080, Port: 80}}
	for to, want := range map[string]string{"172.18.0.2:80": "", "172.19.0.2:80": "", "fd00::2:80": "", "172.19.0.3:80": "172.19.0.3:80", "172.19.0.2:81": "172.19.0.2:81"} {
		colon := strings.LastIndex(to, ":")
		args := []string{"/usr/bin/docker-proxy", "-proto", "tcp", "-host-port", "8080", "-container-ip", to[:colon], "-container-port", to[colon+1:]}
		if got := p.leads(args, i); got != want {
			t.Errorf("to %s leads to %q", to, got)
		}
	}
}
