package lint

import (
	"fmt"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/config"
)

var noHealthcheck = Rule{
	ID: "no-healthcheck", Severity: aweigh.Warning, Title: "no health check",
	Why:   "The engine says \"Up\" of a container whose server never came to listen, and nothing can wait for it.",
	Fix:   "Add a healthcheck that asks the service what its clients ask: test: [\"CMD\", \"/aweigh-init\", \"health\", \"http://127.0.0.1:PORT/health\"].",
	check: each(checkNoHealthcheck),
}

func checkNoHealthcheck(s *service) []Finding {
	h := &s.health
	switch {
	case h.there():
		return nil
	case h.disabled && h.from == "compose":
		return []Finding{s.found("the health check is turned off", "healthcheck")}
	case h.disabled:
		return []Finding{s.healthFound("HEALTHCHECK NONE: the health check is turned off", "test")}
	case s.job():
		return nil
	}
	message := "no health check"
	if h.imageUnknown {
		message = "no health check in the compose file"
		if s.dockerfile != nil {
			message += " or the Dockerfile"
		}
		message += "; whether the image has one is not known here"
	}
	f := s.found(message)
	if len(s.ports()) == 0 || s.supervised() {
		f.Severity = aweigh.Info // nobody is known to wait for it; or aweigh-init proves its starts
	}
	return []Finding{f}
}

var healthcheckWeak = Rule{
	ID: "healthcheck-weak", Severity: aweigh.Warning, Title: "the health check proves too little",
	Why:   "A process that exists, or a port that accepts, says nothing of a server that answers with 500 or hangs.",
	Fix:   "Ask what a client asks, and look at the answer: an HTTP status, a query, a gRPC health check.",
	check: each(checkHealthcheckWeak),
}

func checkHealthcheckWeak(s *service) []Finding {
	if !s.health.there() {
		return nil
	}
	if why := weak(s.health.test); why != "" {
		return []Finding{s.healthFound("the health check is weak: "+why, "test")}
	}
	return nil
}

// weak says why a health check proves little; "" if it does not seem so.
func weak(test []string) string {
	line := strings.Join(test[1:], " ")
	reads := strings.Contains(line, "grep") || strings.Contains(line, "<&") // it looks at the answer
	if strings.Contains(line, "/dev/tcp/") {
		if reads {
			return ""
		}
		return "it only sees that a port accepts a connection"
	}
	if before, word := lastWord(line); strings.HasPrefix(word, "exit") && before != "" {
		return "it ends in exit 0, whatever came before"
	} else if word != "" {
		return "it always succeeds"
	}
	why := ""
	for _, c := range commands(test) {
		one := ""
		switch program := path.Base(c[0]); program {
		case "pgrep", "pidof", "ps", "killall":
			one = program + " only sees that a process exists"
		case "kill":
			if !slices.Contains(c, "-0") {
				continue // it ends the service that does not answer
			}
			one = "kill only sees that a process exists"
		case "test", "[", "[[":
			if of := strings.TrimPrefix(strings.Join(c[1:], " "), "! "); len(of) < 3 || of[0] != '-' || !strings.Contains("defrswxS", of[1:2]) || of[2] != ' ' {
				continue // it looks at what another command said
			}
			one = program + " only looks at a file"
		case "stat", "ls":
			one = program + " only looks at a file"
		case "nc", "ncat", "netcat":
			if reads && !slices.Contains(c, "-z") {
				return "" // it is a client: echo ruok | nc localhost 2181 | grep imok
			}
			one = program + " only sees that something listens"
		case "ss", "netstat", "lsof":
			one = program + " only sees that something listens"
		case "ping":
			one = "ping asks the network, not the service"
		case "curl":
			if slices.ContainsFunc(c[1:], failsOnStatus) || reads || strings.Contains(line, "$(") {
				return ""
			}
			one = "curl without -f takes a 500 for success"
		case "exit", "echo", "printf", "true", "false", ":", "grep", "egrep", "wc", "awk", "sed", "cut", "head", "tail", "tr", "cat", "sleep", "fi", "done":
			continue // they prove nothing by themselves
		default:
			return "" // it asks the service
		}
		if why == "" {
			why = one
		}
	}
	return why
}

// lastWord is the command that ends a health check well, whatever came before
// it, and what did; "" where it may end otherwise.
func lastWord(line string) (before, word string) {
	m := always.FindStringSubmatchIndex(line)
	if m == nil {
		return "", ""
	}
	before, word = line[:m[0]], line[m[2]:m[3]]
	if strings.Contains(before, "exit") || strings.Contains(before, "set -e") {
		return "", ""
	}
	return before, word
}

var always = regexp.MustCompile(`(?:^|\|\||;)\s*(true|:|exit 0|echo(?: [^|&;]*)?)\s*$`)

func failsOnStatus(arg string) bool {
	if strings.HasPrefix(arg, "--") {
		return strings.HasPrefix(arg, "--fail") || strings.HasPrefix(arg, "--write-out")
	}
	return strings.HasPrefix(arg, "-") && strings.ContainsAny(arg, "fw")
}

var healthcheckPort = Rule{
	ID: "healthcheck-port", Severity: aweigh.Warning, Title: "the health check asks another port or path than the service has",
	Why:   "It fails for ever, or succeeds by something else that listens.",
	Fix:   "Ask the port on which the service listens inside the container (the right-hand one of ports:), and the path of its probe.",
	check: each(checkHealthcheckPort),
}

func checkHealthcheckPort(s *service) []Finding {
	if !s.health.there() || s.NetworkMode == "host" {
		return nil
	}
	link, ok := asked(s.health.test)
	if !ok {
		return nil
	}
	u, err := url.Parse(link)
	if err != nil || u.Port() == "" {
		return nil
	}
	port, _ := strconv.Atoi(u.Port())
	known := s.ports()
	for _, name := range []string{"AWEIGH_PORT", "PORT", "HTTP_PORT", "SERVER_PORT"} {
		if text, ok := s.env(name); ok {
			if n, err := strconv.Atoi(text); err == nil {
				known = append(known, n)
			}
		}
	}
	if len(known) > 0 && !slices.Contains(known, port) {
		for _, p := range s.Ports {
			if p.Published == u.Port() {
				return []Finding{s.healthFound(fmt.Sprintf("the health check asks port %d, which is the published one: inside it is %d", port, p.Target), "test")}
			}
		}
		f := s.healthFound(fmt.Sprintf("the health check asks port %d, and what is known of the service is %s", port, numbers(known)), "test")
		f.Severity = aweigh.Info // it may have a port for that alone
		return []Finding{f}
	}
	probe := s.Labels["aweigh.probe"]
	if probe == "" {
		probe, _ = s.env("AWEIGH_PROBE")
	}
	if p, err := url.Parse(probe); err == nil && strings.HasPrefix(u.Scheme, "http") && p.Path != "" && p.Path != u.Path && (p.Scheme == "" || strings.HasPrefix(p.Scheme, "http")) {
		return []Finding{s.healthFound(fmt.Sprintf("the health check asks %s, and the probe of the service is %s", quote(u.Path), quote(p.Path)), "test")}
	}
	return nil
}

// asked is the URL that a health check asks of the service itself.
func asked(test []string) (string, bool) {
	if link, ok := config.ProbeFromHealthcheck(test); ok {
		return link, true
	}
	// curl without -f asks as well, though it hears nothing.
	for _, c := range commands(test) {
		if program := path.Base(c[0]); program != "curl" && program != "wget" {
			continue
		}
		for _, arg := range c[1:] {
			if u, err := url.Parse(arg); err == nil && strings.HasPrefix(u.Scheme, "http") && isLoopback(u.Hostname()) {
				return arg, true
			}
		}
	}
	return "", false
}

var healthcheckElsewhere = Rule{
	ID: "healthcheck-elsewhere", Severity: aweigh.Warning, Title: "the health check asks another host",
	Why:   "The service is called unhealthy when something else is, and healthy when it is not.",
	Fix:   "Ask the service itself: 127.0.0.1 and its port.",
	check: each(checkHealthcheckElsewhere),
}

func checkHealthcheckElsewhere(s *service) []Finding {
	if !s.health.there() {
		return nil
	}
	for _, c := range commands(s.health.test) {
		if program := path.Base(c[0]); program != "curl" && program != "wget" {
			continue
		}
		for _, arg := range c[1:] {
			u, err := url.Parse(arg)
			if err != nil || !strings.HasPrefix(u.Scheme, "http") || strings.ContainsAny(u.Hostname(), "$`") {
				continue
			}
			own := []string{"", "localhost", "127.0.0.1", "::1", "0.0.0.0", s.name, s.ContainerName, s.Hostname, "host.docker.internal"}
			if !slices.Contains(own, u.Hostname()) && !strings.HasPrefix(u.Hostname(), "127.") {
				return []Finding{s.healthFound("the health check asks "+quote(u.Hostname()), "test")}
			}
		}
	}
	return nil
}

var healthcheckBlind = Rule{
	ID: "healthcheck-blind", Severity: aweigh.Warning, Title: "the health check sees an outage late",
	Why:   "Only after interval × retries is a service called unhealthy that answers no more.",
	Fix:   "interval: 10s and retries: 3 cost little, and see it within half a minute.",
	check: each(checkHealthcheckBlind),
}

// blindAfter is how long an outage may go unseen.
const blindAfter = 2 * time.Minute

func checkHealthcheckBlind(s *service) []Finding {
	h := &s.health
	if late := h.interval * time.Duration(h.retries); h.there() && late > blindAfter {
		return []Finding{s.healthFound(fmt.Sprintf("an outage is seen after %s (interval %s × %d retries)", human(late), human(h.interval), h.retries), "interval")}
	}
	return nil
}
