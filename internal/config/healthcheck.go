package config

import (
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/aweigh/aweigh/internal/probe"
)

// ProbeFromHealthcheck finds the probe that asks the same question as a
// container's health check, given as Docker has it: ["CMD", "curl", "-f", …] or
// ["CMD-SHELL", "curl -f … || exit 1"]. The probe's host is empty: the
// container itself.
//
// It is careful: ok is false for whatever a plain request would not ask in the
// same way (a header, a body, a method, a pipe, a variable, another host, curl
// without -f, for which any answer is good). Nothing is ever run or expanded.
//
// A health check is asked from within the container; a service that listens on
// its loopback only cannot be asked from outside.
func ProbeFromHealthcheck(test []string) (string, bool) {
	argv := healthCommand(test)
	if len(argv) == 0 {
		return "", false
	}
	var target string
	switch program := path.Base(argv[0]); program {
	case "curl":
		target = fromCurl(argv[1:])
	case "wget":
		target = fromWget(argv[1:])
	case "nc", "netcat", "ncat":
		target = fromNetcat(argv[1:])
	case "grpc_health_probe", "grpc-health-probe":
		target = fromGRPC(argv[1:])
	case "aweigh-init", "aweigh":
		if len(argv) == 3 && argv[1] == "health" {
			target = fromURL(argv[2])
		}
	}
	if target == "" {
		return "", false
	}
	if _, err := probe.Parse(target, 0); err != nil {
		return "", false
	}
	return target, true
}

// healthCommand is the one command of a health check, nil if it is none or more
// than one.
func healthCommand(test []string) []string {
	if len(test) < 2 {
		return nil
	}
	size := 0
	for _, word := range test {
		if size += len(word); size > 8192 || strings.ContainsAny(word, "\x00\r\n") {
			return nil
		}
	}
	switch argv := test[1:]; test[0] {
	case "CMD":
		if len(argv) == 3 && slices.Contains([]string{"sh", "bash", "ash", "dash"}, path.Base(argv[0])) && argv[1] == "-c" {
			return simpleCommand(argv[2])
		}
		return argv
	case "CMD-SHELL":
		if len(argv) == 1 {
			return simpleCommand(argv[0])
		}
	}
	return nil
}

// fromURL makes the probe of a URL that asks this machine itself.
func fromURL(link string) string {
	if !strings.Contains(link, "://") {
		link = "http://" + link // as curl and wget have it
	}
	// Curl would make several requests of [1-3] and {a,b}.
	if len(link) > 2048 || strings.ContainsAny(link, "{}\\^` <>\"'") {
		return ""
	}
	u, err := url.Parse(link)
	if err != nil || u.User != nil || !isSelf(u.Hostname()) || strings.ContainsAny(u.EscapedPath()+u.RawQuery, "[]") {
		return ""
	}
	port := u.Port()
	switch u.Scheme {
	case "http":
		port = orElse(port, "80")
	case "https":
		port = orElse(port, "443")
	default:
		return ""
	}
	target := u.Scheme + "://:" + port + orElse(u.EscapedPath(), "/")
	if u.RawQuery != "" {
		target += "?" + u.RawQuery
	}
	return target
}

// isSelf reports whether a host is the container that asks.
func isSelf(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && (addr.IsLoopback() || addr.IsUnspecified())
}

func fromNetcat(args []string) string {
	o, ok := parseOptions(args, "zv46n", nil, "w", nil)
	if !ok || !o.has("z") || len(o.rest) != 2 || !isSelf(o.rest[0]) {
		return ""
	}
	return "tcp://:" + o.rest[1]
}

func fromGRPC(args []string) string {
	var addr, service string
	for i := 0; i < len(args); i++ {
		name, value, has := strings.Cut(strings.TrimLeft(args[i], "-"), "=")
		if !strings.HasPrefix(args[i], "-") {
			return ""
		}
		if !has {
			if i++; i == len(args) {
				return ""
			}
			value = args[i]
		}
		switch name {
		case "addr":
			addr = value
		case "service":
			service = value
		case "connect-timeout", "rpc-timeout":
		default: // -tls, -rpc-header …: another question
			return ""
		}
	}
	u, err := url.Parse("grpc://" + addr)
	if err != nil || u.Host != addr || u.Port() == "" || u.Hostname() != "" && !isSelf(u.Hostname()) {
		return ""
	}
	if service == "" {
		return "grpc://:" + u.Port()
	}
	return "grpc://:" + u.Port() + "/" + url.PathEscape(service)
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
