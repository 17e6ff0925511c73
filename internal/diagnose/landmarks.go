package diagnose

import "strings"

// What is said when a server serves. It proves nothing, but an error before it
// may have been overcome.
const readyWords = "listening on|listening at|now listening|server started|ready to accept|ready for connections|started server|" +
	"server is ready|accepting connections|startup complete|start worker process|started in|server startup in|connected to|" +
	"connection established|successfully connected|booting worker|resuming normal operations|serving on|serving http|" +
	"running on http|ready to handle connections|listening for|starting broker... completed|waiting for connections|" +
	"migrations applied|is available after|has been established|connected successfully|connection successful|connection succeeded|" +
	"redis connected|database connected|db connected|mongodb connected|postgres connected"

// landmarks finds the places of the output by which lines are weighed.
func (s *scene) landmarks() {
	const telling, near = 20, 500
	told := 0
	for l := s.output - 1; l >= 0; l-- {
		line := &s.lines[l]
		if s.ready < 0 && l > s.output-near && line.level < warn && hasAny(line.low, readyWords) && !hasAny(line.low, "error|failed|cannot|could not|waiting for") {
			s.ready = l
		}
		if !line.frame && !line.code && told < telling {
			s.tail = l
			told++
		}
	}
	s.findNamed()
}

// findNamed finds the line in which the runtime of a language names what ended
// the program. It is seldom the last one.
func (s *scene) findNamed() {
	for l := s.output - 1; l >= 0; l-- {
		line := &s.lines[l]
		// Tcl and Racket put their stack below a message without a mark of its own.
		if t := strings.TrimLeft(line.low, " "); t == "while executing" || t == "context...:" {
			for l > 0 && (line.frame || strings.HasPrefix(line.low, " ")) {
				l--
				line = &s.lines[l]
			}
		} else if line.frame || line.code || !namesException(line.low) {
			continue
		}
		s.named, s.chain = l, l
		break
	}
	if s.named < 0 {
		return
	}
	// Java's and .NET's chains go from the outermost to the innermost, so that the
	// last is the cause; the frames between belong to it.
	for l := s.named - 1; l >= max(0, s.named-400); l-- {
		line := &s.lines[l]
		switch {
		case line.frame, line.code, strings.HasPrefix(line.low, " "), strings.HasPrefix(line.low, "caused by"):
			continue
		case namesException(line.low):
			s.chain = l
			continue
		}
		break
	}
}

// perlDied recognises "… at app.pl line 12."
func perlDied(low string) bool {
	_, rest, ok := strings.Cut(low, " at ")
	if !ok || !strings.HasSuffix(rest, ".") {
		return false
	}
	_, number, ok := strings.Cut(strings.TrimSuffix(rest, "."), " line ")
	return ok && number != "" && strings.Trim(number, "0123456789") == ""
}

// luaDied recognises "lua: app.lua:3: …", and "lua5.4: …".
func luaDied(low string) bool {
	version, _, ok := strings.Cut(low, ": ")
	version, ok2 := strings.CutPrefix(version, "lua")
	return ok && ok2 && strings.Trim(version, "0123456789.") == ""
}

// namesException recognises the line in which a runtime names an error that
// nobody caught.
func namesException(low string) bool {
	t := strings.TrimLeft(low, " ")
	for _, start := range [...]string{"panic: ", "caused by: ", "exception in thread ", "unhandled exception", "uncaught ", "** (", "fatal error: ", "terminate called", "php fatal error", "php parse error", "error: uncaught", "luajit: "} {
		if strings.HasPrefix(t, start) {
			return true
		}
	}
	if strings.HasPrefix(t, "thread '") && strings.Contains(t, " panicked at ") || strings.HasPrefix(t, "called `result::unwrap()`") {
		return true
	}
	if perlDied(t) || luaDied(t) {
		return true
	}
	// KeyError: 'X' · java.net.BindException: … · psycopg2.OperationalError: … · MemoryError
	name, _, _ := strings.Cut(t, ": ")
	if strings.ContainsAny(name, " \t") || name == "" {
		// Error [ERR_X]: … of Node, msg (KeyError) of Ruby
		node, _, code := strings.Cut(t, " [")
		return code && strings.HasSuffix(node, "error") && !strings.ContainsAny(node, " \t") || strings.Contains(t, ":in `") && strings.HasSuffix(t, ")") || strings.Contains(t, ":in '") && strings.HasSuffix(t, ")")
	}
	return strings.HasSuffix(name, "error") || strings.HasSuffix(name, "exception") || strings.HasSuffix(name, "error:") || strings.HasSuffix(name, "exception:")
}
