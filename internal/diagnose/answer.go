package diagnose

import "strings"

// answer is what came when the port was asked with "GET / HTTP/1.0".
type answer uint8

const (
	notAsked answer = iota
	answersHTTP
	answersHTTPError // 5xx
	answersHalf      // HTTP that began and did not go on
	answersTLS       // a refusal of plain HTTP by a server that speaks TLS
	answersOther     // bytes of another protocol
	answersClosed    // the connection was closed, or reset, without a byte
	answersNothing   // connected, and no byte in time
	answersRefused
	answersUnreachable
)

// answer reads the probe of the instance's own address.
func (s *scene) answer() answer {
	p := s.asked()
	if p == nil {
		return notAsked
	}
	if tcp := lower(p.TCP); tcp != "connected" {
		if hasAny(tcp, "refused") {
			return answersRefused
		}
		return answersUnreachable
	}
	first := p.FirstBytes
	low := lower(first)
	switch {
	case first == "":
		return notAsked
	case strings.HasPrefix(first, "HTTP/"):
		status := ""
		if fields := strings.Fields(first); len(fields) > 1 {
			status = fields[1]
		}
		switch {
		case status == "400" && (hasAny(low, "https|tls|ssl") || s.told("http request to an https server|plain http request was sent to https")):
			return answersTLS
		case strings.HasPrefix(status, "5"):
			return answersHTTPError
		case len(first) < 110 && !strings.Contains(first, "\r\n\r\n") && strings.Count(first, "\r\n") <= 1:
			return answersHalf
		}
		return answersHTTP
	case strings.HasPrefix(first, "\x15\x03"), hasAny(low, "https server|plain http request"):
		return answersTLS
	case strings.HasPrefix(first, "("):
		if hasAny(low, "timed out|timeout") {
			return answersNothing
		}
		return answersClosed
	}
	return answersOther
}

// serves tells whether it answers as a service should, now.
func (s *scene) serves() bool {
	if !s.running {
		return false
	}
	switch s.answer() {
	case answersHTTP:
		return true
	case answersHalf: // a server that writes line by line is well, if nobody says otherwise
		return !s.unhealthy()
	case answersOther:
		return !s.unhealthy()
	case answersClosed:
		return s.listens() == onThePort && !s.unhealthy() && !s.speaksTLS()
	case answersNothing:
		return s.listens() == onThePort && s.mute() && !s.neighbour() && !s.unhealthy()
	case notAsked:
		if s.Inspect != nil && s.Inspect.State.Health != nil {
			return s.Inspect.State.Health.Status == "healthy"
		}
		return s.ExpectedPort != 0 && s.listens() == onThePort && s.ready >= 0
	}
	return false
}

// mute tells whether the service seems to speak a protocol that has no answer to
// the beginning of an HTTP request: what it takes for the length of a message has
// not all come. A web server that is silent hangs.
func (s *scene) mute() bool {
	switch s.ExpectedPort {
	case 53, 5353, 88, 389, 445, 1521, 5060, 9042, 9092: // DNS, Kerberos, LDAP, SMB, Oracle, SIP, Cassandra, Kafka
		return true
	}
	if s.told("dnssec|dnskey|nameserver|all zones loaded|for queries") {
		return true
	}
	switch s.ExpectedPort {
	case 80, 81, 443, 3000, 4000, 5000, 8000, 8001, 8008, 8080, 8081, 8088, 8090, 8443, 8888, 9000, 9090: // mostly HTTP
		return false
	}
	m := s.Runtime.Main
	if m == nil || !strings.HasPrefix(m.State, "S") || s.Inspect != nil && s.Inspect.State.Health != nil {
		return false
	}
	command := ""
	if s.Inspect != nil {
		command = lower(s.Inspect.Path + " " + strings.Join(s.Inspect.Args, " "))
	}
	return !s.told("http|wsgi|asgi|web|worker|request") && !hasAny(command, "http|wsgi|web|gunicorn|uvicorn|puma|unicorn")
}

// speaksTLS tells whether it should be asked in TLS, by its own words or the
// number of its port.
func (s *scene) speaksTLS() bool {
	return s.told("https://|tls handshake|ssl handshake|ssl_do_handshake|tls_") || s.ExpectedPort == 443 || s.ExpectedPort == 8443
}

// unhealthy tells whether the container's HEALTHCHECK has failed of late.
func (s *scene) unhealthy() bool {
	h := s.health()
	if h == nil {
		return false
	}
	if n := len(h.Log); h.Status == "starting" {
		return n > 0 && h.Log[n-1].ExitCode != 0 && h.FailingStreak > 1
	}
	return h.Status == "unhealthy"
}

func (s *scene) health() *Health {
	if s.Inspect == nil {
		return nil
	}
	return s.Inspect.State.Health
}

// healthSays tells whether the last failed run of the HEALTHCHECK printed one of
// the alternatives.
func (s *scene) healthSays(alternatives string) bool {
	return hasAny(s.healthOutput(), alternatives)
}

// healthOutput is what the last failed run of the HEALTHCHECK printed, in lower
// case.
func (s *scene) healthOutput() string {
	h := s.health()
	if h == nil {
		return ""
	}
	for i := len(h.Log) - 1; i >= 0; i-- {
		if h.Log[i].ExitCode != 0 {
			text := h.Log[i].Output
			if len(text) > lineBytes {
				text = text[:lineBytes]
			}
			return lower(text)
		}
	}
	return ""
}
