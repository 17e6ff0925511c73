package probe

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

const forms = "a probe is http://HOST:PORT/PATH, https://…, tcp://HOST:PORT, grpc://HOST:PORT[/SERVICE], " +
	"exec:COMMAND, or a path such as /health; an empty HOST is the instance itself"

// Parse reads a target. A bare path is HTTP on port; port also stands in where
// a URL has neither host nor port, and 0 leaves it open for WithAddr. The error
// says what is wrong and names the valid forms; it has no secret in it.
func Parse(target string, port int) (Target, error) {
	if port < 0 || port > 65535 {
		return Target{}, fmt.Errorf("port %d is not within 1 to 65535", port)
	}
	scheme, rest, isURL := strings.Cut(target, "://")
	switch command, isExec := strings.CutPrefix(target, "exec:"); {
	case strings.TrimSpace(target) == "":
		return Target{}, errors.New("the probe is empty: " + forms)
	case isExec && strings.HasPrefix(command, "//"):
		return Target{}, errors.New("probe exec://: write it without slashes, such as exec:pg_isready -q")
	case isExec:
		argv, err := splitWords(command)
		if err != nil {
			return Target{}, fmt.Errorf("probe exec: %w", err)
		}
		return Target{Protocol: Exec, Argv: argv}, nil
	case strings.HasPrefix(target, "/"):
		return parseURL(HTTP, target, port)
	case !isURL:
		return Target{}, errors.New(unknownForm(target))
	}
	switch p := Protocol(strings.ToLower(scheme)); p {
	case HTTP, HTTPS, TCP, GRPC:
		return parseURL(p, rest, port)
	case "grpcs":
		return Target{}, errors.New("probe grpcs://: gRPC is probed in cleartext only; use tcp:// or exec:grpc_health_probe -tls …")
	}
	return Target{}, fmt.Errorf("probe %s://: there is no such protocol: %s", oneLine(scheme, 20), forms)
}

// unknownForm guesses what was meant. What the user wrote may be a secret that
// got into the wrong place, so that only host:port is repeated.
func unknownForm(target string) string {
	host, port, _ := strings.Cut(target, ":")
	port, path, _ := strings.Cut(port, "/")
	if _, err := strconv.ParseUint(port, 10, 16); err == nil && !strings.ContainsAny(host, "@ /") {
		if path != "" {
			return fmt.Sprintf("the probe has no protocol: did you mean http://%s:%s/…? %s", oneLine(host, 60), port, forms)
		}
		return fmt.Sprintf("the probe has no protocol: did you mean tcp://%s:%s? %s", oneLine(host, 60), port, forms)
	}
	return "the probe has no protocol: " + forms
}

// parseURL reads what follows the "://", or a bare path. The errors of net/url
// quote their input, so that none of them is passed on.
func parseURL(p Protocol, rest string, port int) (Target, error) {
	fail := func(format string, args ...any) (Target, error) {
		return Target{}, fmt.Errorf("probe %s://: "+format, append([]any{p}, args...)...)
	}
	for _, c := range rest {
		if c < ' ' || c == 0x7f {
			return fail("there is a control character in it")
		}
	}
	u, err := url.Parse("http://" + rest)
	if err != nil {
		return fail("%s", urlFault(rest))
	}
	t := Target{Protocol: p, Host: u.Hostname(), user: u.User}
	switch digits := u.Port(); {
	case digits != "":
		if t.Port, err = strconv.Atoi(digits); err != nil || t.Port < 1 || t.Port > 65535 {
			return fail("port %s is not within 1 to 65535", oneLine(digits, 20))
		}
	case t.Host == "":
		t.Port = port
	default:
		t.Port = defaultPort(p)
	}
	if strings.Contains(t.Host, " ") {
		return fail("there is a blank in the host")
	}
	switch p {
	case HTTP, HTTPS:
		t.Path = requestPath(u)
		return t, nil
	case GRPC:
		t.Path = strings.TrimPrefix(u.Path, "/")
	case TCP:
		if u.Path != "" && u.Path != "/" {
			return fail("TCP has no path: write tcp://%s, or http:// to ask for one", t.authority())
		}
	}
	switch {
	case u.User != nil:
		return fail("there are no credentials in this protocol: remove what is before the @")
	case u.RawQuery != "":
		return fail("there is no query in this protocol: remove what begins with ?")
	case t.Host != "" && t.Port == 0:
		return fail("the port is missing: write %s://%s:PORT", p, bracketed(t.Host))
	}
	return t, nil
}

// urlFault says what is wrong with a URL that cannot be read.
func urlFault(rest string) string {
	authority, _, _ := strings.Cut(rest, "/")
	host := authority[strings.LastIndex(authority, "@")+1:]
	switch {
	case strings.Count(host, ":") > 1 && !strings.HasPrefix(host, "["):
		return "an IPv6 address needs brackets, such as [::1]:8080"
	case strings.HasPrefix(host, "[") && !strings.Contains(host, "]"):
		return "the bracket of the IPv6 address is not closed"
	case strings.Contains(rest, "%"):
		return "a % is not followed by two hexadecimal digits: write %25 for the sign itself"
	case host != authority:
		return "the credentials before the @ have a character that must be escaped, such as %2F for / and %40 for @"
	case strings.Contains(host, ":"):
		return "the port is not a number"
	}
	return "the host is not valid"
}

// requestPath is the path and the query as they go over the wire: no blank and
// nothing beyond ASCII may be in a request line.
func requestPath(u *url.URL) string {
	path := u.EscapedPath()
	if path == "" {
		path = "/"
	}
	if u.RawQuery != "" || u.ForceQuery {
		path += "?" + u.RawQuery
	}
	var b strings.Builder
	for i := range len(path) {
		if c := path[i]; c <= ' ' || c >= 0x7f {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
