package probe

import (
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// Protocol is how to ask.
type Protocol string

const (
	HTTP  Protocol = "http"
	HTTPS Protocol = "https"
	TCP   Protocol = "tcp"
	GRPC  Protocol = "grpc"
	Exec  Protocol = "exec"
)

// Target is where and how to ask. Parse makes it.
type Target struct {
	Protocol Protocol
	// Host is a name or an address without brackets. Empty is the instance's
	// own address: 127.0.0.1, else ::1.
	Host string
	Port int // 0: not known yet
	// Path is what is asked for: of HTTP the path and the query, escaped; of
	// gRPC the name of the service, which may be empty.
	Path string
	Argv []string // of exec

	user *url.Userinfo
}

// WithAddr fills in what the target leaves open: the address when its host is
// empty, the port when it is 0. The rest stays, and an exec target as it is.
func (t Target) WithAddr(addr netip.AddrPort) Target {
	if t.Protocol == Exec {
		return t
	}
	if t.Host == "" && addr.Addr().IsValid() {
		t.Host = addr.Addr().Unmap().String()
	}
	if t.Port == 0 {
		t.Port = int(addr.Port())
	}
	return t
}

// String writes the target as Parse reads it, an empty host as 127.0.0.1, and
// every secret that it knows of as ***.
func (t Target) String() string {
	if t.Protocol == Exec {
		return "exec:" + joinWords(maskWords(t.Argv))
	}
	var b strings.Builder
	b.WriteString(string(t.Protocol) + "://")
	if t.user != nil {
		b.WriteString(maskUser(t.user) + "@")
	}
	b.WriteString(t.authority())
	switch t.Protocol {
	case HTTP, HTTPS:
		b.WriteString(maskQuery(t.Path))
	case GRPC:
		if t.Path != "" {
			b.WriteString("/" + t.Path)
		}
	}
	return b.String()
}

// authority is host:port as in a URL, without the port while it is not known.
func (t Target) authority() string {
	host := t.Host
	if host == "" {
		host = "127.0.0.1"
	}
	if t.Port != 0 {
		return net.JoinHostPort(host, strconv.Itoa(t.Port))
	}
	return bracketed(host)
}

// hostHeader is what HTTP's Host field says: no zone (RFC 6874, 1), and no port
// that the scheme implies.
func (t Target) hostHeader() string {
	t.Host, _, _ = strings.Cut(t.Host, "%")
	if t.Port == defaultPort(t.Protocol) {
		t.Port = 0
	}
	return t.authority()
}

func bracketed(host string) string {
	if strings.Contains(host, ":") {
		return "[" + host + "]"
	}
	return host
}

func defaultPort(p Protocol) int {
	switch p {
	case HTTP:
		return 80
	case HTTPS:
		return 443
	}
	return 0
}
