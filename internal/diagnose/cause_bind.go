package diagnose

import "strings"

// bindWords tell that a line speaks of a socket that should listen. A client's
// connect is another matter.
const bindWords = "bind|listen|server socket|start server|server_bind|startlisten|open port|tcp port|udp port|acceptor|" +
	"socketexception: permission|permissionerror: [errno 13] permission denied: ('|http server|web server"

// bindFailed are the verbs of a bind that failed, where no errno says why.
const bindFailed = "cannot bind|could not bind|couldn't bind|can't bind|failed to bind|unable to bind|failed binding|error binding|" +
	"bind failed|bind error|bind() failed|cannot listen|could not listen|couldn't listen|can't listen|failed to listen|unable to listen|" +
	"error listening|listen failed|listen error|create listener|create listening|create server socket|create listen socket|" +
	"open server port|open listening|open listener|no listening sockets|no acceptor|create a listening|start listener|failed to open port|" +
	"could not open port|cannot open port|unable to open port|error opening port"

// bindHindered are reasons of such a failure that are others' matter.
const bindHindered = "cannot assign|not available|address family|permission|denied|not permitted|invalid address|no such|interface|certificate|" +
	"unix:|.sock|parameter|variable|property|properties|queue|exchange|ldap"

const clientWords = "connect(|connecting|connect to|dial |connection to|could not connect|econnrefused|connect:|: connect "

// binding tells whether it was a bind or listen call that failed, by the line or
// by the frames above and below it.
func binding(s *scene, l int) bool {
	low := s.lines[l].low
	if hasAny(low, bindWords) {
		return true
	}
	if hasAny(low, clientWords) {
		return false
	}
	return s.near(l, 4, 6, "server_bind|.bind(|socket.bind|create_server|setuplistenhandle|server.listen|net.bind|bindexception|.listen(|"+
		"tcpserver.new|tcpserver.initialize|io::socket::inet|nio.ch.net.bind|dobind")
}

var portInUse = Entry{
	ID: "port-in-use", Family: "bind",
	What:    "Another process already listens on the port, in the same network namespace or, for a published port, on the host.",
	How:     "A bind or listen call was refused with EADDRINUSE, or the engine could not publish the port.",
	Confirm: "ss -ltnp 'sport = :{port}'",
	Fix:     "Stop what holds port {port} (often an older instance, or a helper that the entrypoint started), or give the service another port.",
	signs: []sign{
		{errno: eAddrInUse, score: .97},
		{errno: eAddrInUse, daemon: true, score: .98, why: "The engine could not publish the port: it is taken on the host."},
		{has: "port is already allocated|ports are not available|userland proxy: listen", daemon: true, score: .98, why: "The engine could not publish the port: it is taken on the host."},
		{has: "connection in use: (|dist_port_already_used|port_already_in_use|already listening on|port is already in use|" +
			"port already in use|port is already allocated|portinuseexception", score: .95},
		{has: "already in use|was already in use|is in use by|is already being used|is already running on port|" +
			"is being used by another", and: "port ", not: "container name|username|user name|email|already exists", score: .93},
		{has: "is not available", and: "because port |: port |port `|port '", score: .85},
		{has: "(in use)", and: "listen|addr|port", score: .9},
		{has: "port is in use|port in use|is using this port|using that port|using this port|using the same port|another process on port|" +
			"is listening on port", not: "info|debug", score: .86, when: func(s *scene, l int) bool {
			return !s.forbidden() && !(s.privilegedPort() && hasAny(s.lines[l].low, "root|privilege"))
		}},
		{bare: true, has: bindFailed, not: bindHindered, score: .72, why: "It could not bind, and does not say why: mostly the port is taken.", when: func(s *scene, l int) bool {
			return !s.forbidden() && !(s.privilegedPort() && hasAny(s.lines[l].low, "root|privilege")) && s.lines[l].level != calm
		}},
		{has: "do you already have another|is another postmaster already running on port", score: .9},
	},
	judge: func(s *scene) opinion {
		switch {
		case s.running && s.neighbour() && !s.serves():
			return opinion{score: .8, why: "Port {port} is taken in its network namespace, by a process that is not the service's.", lines: s.listenerLines()}
		case s.ended && s.exit == 0 && s.inherits() && s.ready >= 0 && !s.told("sigterm|signal 15|shutting down|terminated"):
			return opinion{score: .6, why: "It said that it listens and ended at once without an error, in a network namespace that it shares: its port is probably taken there.",
				lines: []Line{s.networkLine(), s.quote(s.ready)}}
		case s.failed() && s.inherits() && s.output == 0 && len(s.lines) == 0:
			return opinion{score: .45, why: "It ended without a word, in a network namespace that it shares; its log may be in a file. That its port is taken there is the first thing to look at.",
				lines: []Line{s.networkLine(), s.exitLine()}}
		case s.ended && s.exit != 0 && !s.forbidden() && s.portRefused() >= 0:
			score := .58
			if s.portRefused() >= s.output-3 && s.named <= s.portRefused() {
				score = .88 // these are its last words
			}
			return opinion{score: score, why: "It failed over its own port, and does not say why: mostly the port is taken.", lines: s.quotes(s.portRefused())}
		}
		return opinion{}
	},
}

// portRefused is the last line that says, without an errno, that something failed
// with the expected port, and speaks of no server to be reached; -1 without.
func (s *scene) portRefused() int {
	if s.ExpectedPort == 0 {
		return -1
	}
	for l := s.output - 1; l >= s.tail && l >= 0; l-- {
		line := &s.lines[l]
		if line.frame || line.code || line.level == calm || s.errnoBefore(l, eAddrInUse, eAddrNotAvail, eAFNoSupport, eAccess, ePerm, eNoName, eNoEntry) || !hasAny(line.low, "error|failed|cannot|can't|could not|couldn't|unable|fatal") || hasAny(line.low, clientWords+"|"+bindHindered) {
			continue
		}
		for _, before := range [...]string{":", "port ", "port=", "port: "} {
			place, after, ok := strings.Cut(line.low, before+s.port())
			if ok && (after == "" || !isDigit(after[0])) && !(before == ":" && namesHost(place)) {
				return l
			}
		}
	}
	return -1
}

// namesHost tells whether what stands before ":8080" ends with the name of a host,
// which is another one than the service: many listen on the same port.
func namesHost(before string) bool {
	host := before[strings.LastIndexAny(before, " \t\"'`=(/,@<[")+1:]
	switch host {
	case "", "*", "localhost", "tcp", "tcp4", "tcp6", "http", "https", "inet", "ipv4", "ipv6", "addr", "address", "port", "listen", "bind", "endpoint":
		return false
	}
	return strings.ContainsAny(host, "abcdefghijklmnopqrstuvwxyz") && !strings.HasSuffix(host, "]")
}

var portPermissionDenied = Entry{
	ID: "port-permission-denied", Family: "bind",
	What:    "The user of the process may not listen on the port: below 1024 that needs CAP_NET_BIND_SERVICE, or a lower net.ipv4.ip_unprivileged_port_start.",
	How:     "A bind or listen call was refused with EACCES.",
	Confirm: "docker inspect -f '{{.Config.User}} {{.HostConfig.CapDrop}} {{.HostConfig.Sysctls}}' {container}",
	Fix:     "Let the service listen on a port above 1023 and publish it as the one you want, add the capability NET_BIND_SERVICE, or set the sysctl net.ipv4.ip_unprivileged_port_start=0.",
	signs: []sign{
		{errno: eAccess, score: .96, when: func(s *scene, l int) bool { return binding(s, l) && namesNoFile(s.lines[l].text) }},
		{has: "listen eacces|bind: permission denied|cannot bind socket (permission denied)|could not bind to address|" +
			"permission denied (bind failed)|privileged port", and: "permission|eacces|privileged", score: .97},
		{errno: eAccess, score: .93, why: "Permission was denied without a path, and the port needs a right that the user lacks.", when: func(s *scene, l int) bool {
			return s.forbidden() && namesNoFile(s.lines[l].text)
		}},
		{has: "access denied|forbidden by its access permissions", and: "socketexception", score: .96, when: func(s *scene, l int) bool {
			return s.forbidden() || s.near(l, 0, 4, "socket.bind|tcplistener|.listen (")
		}},
		{errno: ePerm, score: .9, when: func(s *scene, l int) bool { return s.forbidden() && binding(s, l) && namesNoFile(s.lines[l].text) }},
		{errno: eAccess, score: .87, why: "Permission was denied without a path, and the port needs a right that not every user has.", when: func(s *scene, l int) bool {
			return s.Inspect == nil && s.privilegedPort() && roleIn(s.lines[l].text) == noPath
		}},
		{has: "requires root|root privileges|need root|needs root", score: .84, when: func(s *scene, l int) bool {
			return s.privilegedPort() && s.lines[l].level != calm && hasAny(s.lines[l].low, "port|socket|bind|listen")
		}},
		{has: "can't connect to ('|" + bindFailed, not: "already in use|cannot assign|not available", score: .75,
			why: "It could not bind, and the port needs a right that the user lacks.", when: func(s *scene, l int) bool {
				return s.forbidden() && !s.told("connection in use|invalid address|already in use|cannot assign")
			}},
	},
	judge: func(s *scene) opinion {
		if l := s.portRefused(); s.failed() && s.forbidden() && l >= s.output-3 && l >= 0 {
			return opinion{score: .88, why: "It failed over its own port, and the port needs a right that the user lacks.", lines: s.quotes(l)}
		}
		return opinion{}
	},
}

var bindAddressUnavailable = Entry{
	ID: "bind-address-unavailable", Family: "bind",
	What:    "The address to listen on is none of the container's own.",
	How:     "A bind call was refused with EADDRNOTAVAIL.",
	Confirm: "docker run --rm --network {network} --entrypoint cat {image} /proc/net/fib_trie",
	Fix:     "Listen on 0.0.0.0 (or [::]), not on an address of the host or of another container.",
	signs: []sign{
		{errno: eAddrNotAvail, score: .95, when: func(s *scene, l int) bool { return !hasAny(s.lines[l].low, clientWords) || binding(s, l) }},
		{errno: eAddrNotAvail, score: .5},
		{has: "invalid address: ('|not a local address|no such interface|is not a valid local address|could not bind to address|" +
			"bind address is not", not: "in use|permission", score: .9},
		{errno: eNoName, score: .8, why: "The name to listen on could not be resolved.", when: func(s *scene, l int) bool {
			return hasAny(s.lines[l].low, "bind|listen ") && !hasAny(s.lines[l].low, clientWords+"|upstream|lookup")
		}},
	},
	judge: func(s *scene) opinion {
		if s.running && s.answer() == answersRefused && s.onForeignAddress() {
			return opinion{score: .85, why: "Its own socket listens on an address that is not its container's.", lines: s.listenerLines()}
		}
		return opinion{}
	},
}

var addressFamilyUnavailable = Entry{
	ID: "address-family-unavailable", Family: "bind",
	What:    "The service wants IPv6 (or another family of addresses) where there is none.",
	How:     "A socket was refused with EAFNOSUPPORT, or an IPv6 address with EADDRNOTAVAIL while IPv6 is disabled.",
	Confirm: "docker inspect -f '{{json .HostConfig.Sysctls}}' {container}; sysctl net.ipv6.conf.all.disable_ipv6",
	Fix:     "Listen on 0.0.0.0 in place of [::], or enable IPv6 (sysctl net.ipv6.conf.all.disable_ipv6=0).",
	signs: []sign{
		{errno: eAFNoSupport, score: .96},
		{errno: eAddrNotAvail, score: .98, when: func(s *scene, l int) bool {
			return hasAny(s.lines[l].low, "::|ipv6|tcp6|inet6") && s.withoutIPv6()
		}},
		{has: "socket family|address family|protocol not supported|eprotonosupport|protocol family unavailable", and: "not supported|unavailable|unsupported|eprotonosupport", score: .85},
		{has: "ipv6", and: "not available|not supported|disabled|unavailable", not: "warn", score: .6},
	},
}

// withoutIPv6 tells whether a sysctl of the container disables it.
func (s *scene) withoutIPv6() bool {
	if s.Inspect == nil {
		return false
	}
	for key, value := range s.Inspect.HostConfig.Sysctls {
		if strings.HasSuffix(key, "disable_ipv6") && value == "1" {
			return true
		}
	}
	return false
}

var boundToLocalhost = Entry{
	ID: "bound-to-localhost", Family: "bind",
	What:    "The service listens on the loopback address only: it is well, but nobody outside its container can reach it.",
	How:     "Its own socket listens on 127.0.0.1 or [::1], while its container's address refuses.",
	Confirm: "nsenter -n -t $(docker inspect -f '{{.State.Pid}}' {container}) ss -ltnp",
	Fix:     "Let it listen on 0.0.0.0 (often a flag or variable: --host, HOST, bind, listen_addresses).",
	judge: func(s *scene) opinion {
		if s.running && s.ExpectedPort != 0 && s.listens() == loopbackOnly && !s.serves() {
			return opinion{score: .97, lines: s.listenerLines()}
		}
		return opinion{}
	},
}

var wrongPort = Entry{
	ID: "wrong-port", Family: "bind",
	What:    "The service listens, but on another port than the one that is asked or published.",
	How:     "Its own sockets listen on other ports only.",
	Confirm: "nsenter -n -t $(docker inspect -f '{{.State.Pid}}' {container}) ss -ltnp; docker port {container}",
	Fix:     "Set the service's port to {port}, or ask and publish the port that it listens on.",
	judge: func(s *scene) opinion {
		if !s.running || s.ExpectedPort == 0 || s.serves() {
			return opinion{}
		}
		switch s.listens() {
		case elsewhere:
			return opinion{score: .88, lines: s.listenerLines()}
		case loopElsewhere:
			return opinion{score: .62, lines: s.listenerLines()}
		}
		return opinion{}
	},
}

var wrongProtocol = Entry{
	ID: "wrong-protocol", Family: "bind",
	What:    "The port answers, but not in the protocol in which it is asked, such as TLS where plain HTTP is spoken.",
	How:     "The answer to plain HTTP was a refusal by a TLS server, or no HTTP.",
	Confirm: "curl -vk https://127.0.0.1:{port}/",
	Fix:     "Ask in the protocol that the service speaks (https://…, tcp://…), or let it speak plain HTTP on this port.",
	signs: []sign{
		{has: "client sent an http request to an https server|plain http request was sent to https port|" +
			"speaking plain http to an ssl-enabled|http request on https|not an ssl/tls record|http_request", and: "http", not: "info|debug", score: .8,
			when: func(s *scene, l int) bool { return s.running }},
	},
	judge: func(s *scene) opinion {
		if p := s.asked(); s.running && p != nil {
			switch s.answer() {
			case answersTLS:
				return opinion{score: .96, why: "The port speaks TLS, and was asked in plain HTTP.", lines: []Line{s.probeLine()}}
			case answersClosed:
				if s.speaksTLS() {
					return opinion{score: .8, why: "The port closes the connection at plain HTTP, and speaks TLS by its own words or its number.", lines: []Line{s.probeLine()}}
				}
			case answersOther:
				if s.unhealthy() && s.healthSays("http/0.9|http") {
					return opinion{score: .7, lines: []Line{s.probeLine()}}
				}
			}
		}
		return opinion{}
	},
}
