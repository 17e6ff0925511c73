package diagnose

import "time"

var startupHang = Entry{
	ID: "startup-hang", Family: "liveness",
	What:    "The process lives, but has not come to listen, or listens and answers nobody; it says nothing, and waits for nothing that it names.",
	How:     "It runs without a listening socket of its own, or without an answer, and nothing in its output says why.",
	Confirm: "docker top {container}; cat /proc/$(docker inspect -f '{{.State.Pid}}' {container})/stack",
	Fix:     "Look what it waits in: a read from a server that does not answer (set a timeout), a lock, a pipe that nobody writes, a prompt, a deadlock. aweigh-init takes the stacks at the deadline.",
	signs: []sign{
		{has: "worker timeout|waiting for leader election|waiting for lock|waiting for debugger|debugger listening|press any key|" +
			"press enter|are you sure|(yes/no)|password:|do you want to|waiting for input|deadlock", score: .72, when: func(s *scene, l int) bool {
			return s.running && !s.serves() && s.lines[l].level != loud || hasAny(s.lines[l].low, "worker timeout")
		}},
		{has: "all goroutines are asleep - deadlock", score: .9, when: func(s *scene, l int) bool { return s.running }},
	},
	judge: func(s *scene) opinion {
		// Who need not listen, a worker, does not hang because it does not.
		if !s.running || s.looping && s.named >= 0 || s.ExpectedPort == 0 && s.asked() == nil {
			return opinion{}
		}
		switch s.answer() {
		case answersNothing:
			if s.serves() {
				return opinion{score: .45, why: "It takes connections and does not answer to HTTP.", lines: []Line{s.probeLine()}}
			}
			return opinion{score: .75, why: "It takes connections and answers nobody: its workers are stuck or dead.", lines: []Line{s.probeLine()}}
		case answersHalf:
			if s.unhealthy() {
				return opinion{score: .3}
			}
		}
		switch s.listens() {
		case nowhere:
			return opinion{score: .58, lines: s.waitLines()}
		case notLooked:
			if a := s.answer(); a == answersRefused || a == answersUnreachable {
				return opinion{score: .55, lines: s.waitLines()}
			}
		}
		return opinion{}
	},
}

var slowStart = Entry{
	ID: "slow-start", Family: "liveness",
	What:    "Not failed: it takes longer than it is given. It still works at its start, or it became ready late.",
	How:     "The output goes on and shows progress, or it answered only long after it began.",
	Confirm: "docker logs -f --tail 5 {container}",
	Fix:     "Give it the time (start_period of the HEALTHCHECK, aweigh.startup-timeout), or take the slow work out of the start: migrations as a job of their own, caches filled after listening.",
	judge: func(s *scene) opinion {
		if !s.running || s.looping && s.named >= 0 {
			return opinion{}
		}
		if s.serves() {
			if took := s.becameReady(); took >= lateAfter {
				return opinion{score: .97, why: "It serves now, and took " + took.Round(time.Second).String() + " to get there.", lines: s.quotes(s.ready)}
			}
			return opinion{}
		}
		if l := s.listens(); l != nowhere && l != notLooked {
			return opinion{}
		}
		if l := s.progress(); l >= 0 {
			return opinion{score: .68, why: "It does not listen yet, and its output goes on.", lines: append(s.quotes(l), s.waitLines()...)}
		}
		return opinion{}
	},
}

var healthEndpointFailing = Entry{
	ID: "health-endpoint-failing", Family: "liveness",
	What:    "The service listens and answers, but what it is asked for its health gives an error, or never ends.",
	How:     "The port answers with 5xx, or the HEALTHCHECK got an error or no complete answer.",
	Confirm: "curl -v http://127.0.0.1:{port}/health",
	Fix:     "Ask a path that exists. If the path is right, the service says itself that it is not well: its body or its log tells what it misses.",
	judge: func(s *scene) opinion {
		if !s.running {
			return opinion{}
		}
		switch a := s.answer(); {
		case a == answersHTTPError:
			return opinion{score: .8, lines: append([]Line{s.probeLine()}, s.healthLines()...)}
		case !s.unhealthy():
		case a == answersHTTP && s.healthSays("returned error: 4|returned error: 5|error: 4|404|500|503|502| 4xx|unhealthy|not found|bad gateway|unavailable|internal server"):
			return opinion{score: .9, lines: s.healthLines()}
		case a == answersHalf:
			return opinion{score: .9, why: "The answer begins and does not end, so that the check runs out of time.", lines: append([]Line{s.probeLine()}, s.healthLines()...)}
		case a == answersOther && s.healthSays("http"):
			return opinion{score: .8, why: "The port answers, but not what the check understands.", lines: append([]Line{s.probeLine()}, s.healthLines()...)}
		case a == answersHTTP || a == answersNothing || s.listens() == onThePort:
			return opinion{score: .62, lines: s.healthLines()}
		}
		return opinion{}
	},
}

var healthcheckMisconfigured = Entry{
	ID: "healthcheck-misconfigured", Family: "liveness",
	What:    "The service answers; the check itself cannot work: its tool or shell is not in the image, it asks another port or scheme, or gives less time than an answer takes.",
	How:     "What the HEALTHCHECK printed, beside what the port really answers.",
	Confirm: "docker inspect -f '{{json .Config.Healthcheck}} {{json .State.Health}}' {container}",
	Fix:     "Correct the check. aweigh-init health needs neither curl nor a shell: HEALTHCHECK CMD [\"/aweigh-init\", \"health\"].",
	judge: func(s *scene) opinion {
		h := s.health()
		if h == nil || !s.running || len(h.Log) == 0 || h.Status == "healthy" {
			return opinion{}
		}
		said, last := s.healthOutput(), h.Log[len(h.Log)-1]
		listening := s.listens() == onThePort || s.listens() == notLooked && s.answer() == answersHTTP
		switch {
		case said == "":
			return opinion{}
		case hasAny(said, "not found|no such file|executable file|permission denied|not recognized|cannot exec|can't open|no module|"+
			"unknown option|invalid option|unrecognized|usage:|syntax error") && !hasAny(said, "404|returned error") || last.ExitCode == 127 || last.ExitCode == 126:
			return opinion{score: .95, why: "The check's own command cannot run in this image.", lines: s.healthLines()}
		case !listening:
			return opinion{}
		case hasAny(said, "failed to connect|connection refused|couldn't connect|can't connect|could not connect|unable to connect|econnrefused"):
			return opinion{score: .93, why: "The check asks where nothing listens, while the service answers on its port.", lines: s.healthLines()}
		case hasAny(said, "wrong version number|ssl|tls|certificate|empty reply|https"):
			return opinion{score: .9, why: "The check asks in another scheme than the service speaks.", lines: s.healthLines()}
		case hasAny(said, "could not resolve|name or service|bad address|no such host"):
			return opinion{score: .9, why: "The check asks a name that nobody knows.", lines: s.healthLines()}
		case hasAny(said, "exceeded timeout|timed out|timeout"):
			if p, hc := s.asked(), s.Inspect.Config.Healthcheck; p != nil && hc != nil && s.answer() == answersHTTP && hc.Timeout > 0 && int64(p.MS)*1e6 > hc.Timeout*9/10 {
				return opinion{score: .95, why: "An answer takes longer than the check waits.", lines: append([]Line{s.probeLine()}, s.healthLines()...)}
			}
		}
		return opinion{}
	},
}

var stoppedExternally = Entry{
	ID: "stopped-externally", Family: "liveness",
	What:    "Somebody stopped it: a person, a deployment, the engine or a supervisor.",
	How:     "It ended by SIGTERM (143) or SIGKILL (137) without want of memory, or in good order after SIGTERM.",
	Confirm: "docker events --since 1h --until 0s --filter container={container}",
	Fix:     "Nothing, if it was wanted. If not: look who did (docker events), and whether a stop grace that is too short made a SIGKILL of it.",
	signs: []sign{
		{has: "received sigterm|sigterm received|received signal 15|signal 15|caught sigterm|got sigterm|sigterm signal|" +
			"handling signal: term|signal: terminated|received sigint|signal term|sigterm|terminated by signal|graceful shutdown|" +
			"gracefully shutting|shutdown signal|user requested stop|received shutdown|caught signal|received terminated signal|" +
			"stop signal|received fast shutdown|received smart shutdown|received stop|exiting due to signal|scheduling shutdown|" +
			"shutting down", score: .85,
			when: func(s *scene, l int) bool {
				return s.ended && (s.exit == 0 || s.exit == 143 || s.exit == 130 || s.exit == 137) && !hasAny(s.lines[l].low, "after error|failed") && (!hasAny(s.lines[l].low, "shutting down") || s.ready >= 0)
			}},
	},
	judge: func(s *scene) opinion {
		if !s.ended || s.running {
			return opinion{}
		}
		oom := s.Inspect != nil && s.Inspect.State.OOMKilled
		switch {
		case s.exit == 143 || s.exit == 130:
			return opinion{score: .9, lines: []Line{s.exitLine()}}
		case s.stopped():
			return opinion{score: .9, why: "It says that it was told to stop, and ended in good order.", lines: []Line{s.exitLine()}}
		case s.exit == 0 && s.lived() > 2*time.Second && s.foreground():
			return opinion{score: .7, why: "A server in the foreground lived for " + s.lived().Round(time.Second).String() + " and ended in good order: that is how SIGTERM looks.", lines: []Line{s.exitLine()}}
		case s.exit == 137 && !oom && s.Inspect != nil:
			return opinion{score: .9, why: "It ended by SIGKILL, and the engine says that memory was not the reason.", lines: []Line{s.exitLine(), s.stateLine()}}
		case s.exit == 137 && !oom:
			return opinion{score: .6, why: "It ended by SIGKILL; whether memory was the reason is not known without an inspection.", lines: []Line{s.exitLine()}}
		}
		return opinion{}
	},
}

// stopWords are what servers say of a signal to stop, of which images have others
// than SIGTERM: PostgreSQL's is SIGINT, nginx's SIGQUIT, Apache's SIGWINCH.
const stopWords = "sigterm|signal 15|signal: term|signal term|sigint|sigquit|sigwinch|terminated signal|received fast shutdown|" +
	"received smart shutdown|received shutdown|user requested shutdown|shutdown signal|exiting due to signal"

// stopped tells whether its last words are of a signal to stop, after which it ended
// well: no hint at how to stop it, and nothing that followed from an exception before
// it had come up, such as a supervisor that gives up.
func (s *scene) stopped() bool {
	if !s.ended || s.running || s.exit != 0 {
		return false
	}
	for l := s.tail; l < s.output; l++ {
		low := s.lines[l].low
		if hasAny(low, stopWords) && !hasAny(low, "handler|press |send sig|waiting for sig") && (s.ready >= 0 || s.named < 0 || l < s.named) {
			return true
		}
	}
	return false
}

var noFailure = Entry{
	ID: "no-failure", Family: "liveness",
	What:    "It serves. What its output calls an error is noise, or was overcome.",
	How:     "It answers on its port now.",
	Confirm: "curl -v http://127.0.0.1:{port}/",
	Fix:     "Nothing to fix. If users see failures all the same, ask the path that they use.",
	judge: func(s *scene) opinion {
		switch {
		case !s.serves():
			return opinion{}
		case s.unhealthy():
			return opinion{score: .3}
		}
		if s.answer() == answersNothing {
			return opinion{score: .7, why: "It listens and takes connections; that it does not answer to HTTP is as its protocol has it.", lines: []Line{s.probeLine()}}
		}
		if s.asked() == nil {
			return opinion{score: .9, why: "The engine's health check says that it is well.", lines: []Line{s.stateLine()}}
		}
		return opinion{score: .95, lines: []Line{s.probeLine()}}
	},
}
