package config

import (
	"slices"
	"strings"
)

// This file knows which options of curl and wget leave the question as it is.
// All others make a health check one that is not taken over.

func fromCurl(args []string) string {
	o, ok := parseOptions(args, "fsSgqvkNI46", []string{"fail", "fail-with-body", "silent", "show-error", "globoff",
		"disable", "verbose", "insecure", "no-buffer", "head", "ipv4", "ipv6", "compressed", "no-progress-meter",
		"http1.0", "http1.1", "http2", "http2-prior-knowledge", "tcp-nodelay", "retry-connrefused", "no-keepalive"},
		"omwA", []string{"output", "max-time", "connect-timeout", "write-out", "user-agent", "retry", "retry-delay",
			"retry-max-time", "noproxy", "stderr", "url"})
	if !ok {
		return ""
	}
	if !o.has("f") && !o.has("fail") && !o.has("fail-with-body") {
		return "" // any answer would do, 500 as well
	}
	urls := append(o.rest, o.values["url"]...)
	if len(urls) != 1 {
		return ""
	}
	return fromURL(urls[0])
}

func fromWget(args []string) string {
	o, ok := parseOptions(args, "qvS46d", []string{"quiet", "no-verbose", "verbose", "spider", "server-response",
		"no-check-certificate", "inet4-only", "inet6-only", "no-proxy", "no-cache"},
		"OTtU", []string{"output-document", "timeout", "tries", "user-agent", "connect-timeout", "read-timeout",
			"dns-timeout", "wait"})
	if !ok || len(o.rest) != 1 {
		return ""
	}
	return fromURL(o.rest[0])
}

// options are a command's flags and the rest.
type options struct {
	flags  []string
	values map[string][]string
	rest   []string
}

func (o options) has(flag string) bool { return slices.Contains(o.flags, flag) }

// parseOptions reads a command line as getopt_long does: short flags may be
// joined and have their value attached, long ones take --name=value or
// --name value. ok is false for an option that is not among the known.
func parseOptions(args []string, short string, long []string, shortValue string, longValue []string) (o options, ok bool) {
	o.values = map[string][]string{}
	for i := 0; i < len(args); i++ {
		arg := args[i]
		next := func() (string, bool) {
			if i++; i >= len(args) {
				return "", false
			}
			return args[i], true
		}
		switch {
		case arg == "--":
			o.rest = append(o.rest, args[i+1:]...)
			return o, true
		case strings.HasPrefix(arg, "--"):
			name, value, has := strings.Cut(arg[2:], "=")
			switch {
			case slices.Contains(long, name) && !has:
				o.flags = append(o.flags, name)
			case slices.Contains(longValue, name):
				if !has {
					if value, ok = next(); !ok {
						return o, false
					}
				}
				o.values[name] = append(o.values[name], value)
			default:
				return o, false
			}
		case arg == "-nv": // wget's own: two letters, one flag
			o.flags = append(o.flags, "nv")
		case len(arg) > 1 && arg[0] == '-':
			for j := 1; j < len(arg); j++ {
				letter := arg[j : j+1]
				if strings.Contains(shortValue, letter) {
					value := arg[j+1:]
					if value == "" {
						if value, ok = next(); !ok {
							return o, false
						}
					}
					o.values[letter] = append(o.values[letter], value)
					break
				}
				if !strings.Contains(short, letter) {
					return o, false
				}
				o.flags = append(o.flags, letter)
			}
		default:
			o.rest = append(o.rest, arg)
		}
	}
	return o, true
}
