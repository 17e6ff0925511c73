package lint

import (
	"fmt"
	"net/netip"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/aweigh/aweigh"
)

var loopbackInside = Rule{
	ID: "loopback-inside", Severity: aweigh.Critical, Title: "it listens on the container's own loopback only",
	Why:   "127.0.0.1 inside is not reached from outside: the published port accepts, and nobody answers.",
	Fix:   "Listen on 0.0.0.0 inside; whom the port is published to is said in ports:.",
	check: each(checkLoopbackInside),
}

func checkLoopbackInside(s *service) []Finding {
	if len(s.ports()) == 0 || s.NetworkMode == "host" || strings.HasPrefix(s.NetworkMode, "service:") || strings.HasPrefix(s.NetworkMode, "container:") {
		return nil
	}
	words := s.command()
	if why := bindsLoopback(words, func(server string) bool { return s.bindsByEnv() || s.bindsBySettings(server) }); why != "" {
		return []Finding{s.commandFound("it listens on the container's loopback only: " + why)}
	}
	for _, name := range sorted(s.Environment) {
		if value, ok := s.env(name); ok && bindName(name) && isLoopback(value) && (!hostAlone(name) || !flagBinds(words)) {
			f := s.found(fmt.Sprintf("it may listen on the container's loopback only: %s is %s", quote(name), quote(value)), "environment", name)
			f.Severity = aweigh.Warning // what the program makes of the variable is not known
			return []Finding{f}
		}
	}
	return nil
}

// commandFound is a finding where the command is said.
func (s *service) commandFound(message string) Finding {
	switch {
	case s.says("command"):
		return s.found(message, "command")
	case s.says("entrypoint"):
		return s.found(message, "entrypoint")
	case s.built.Cmd != nil:
		return s.inDockerfile(message, s.built.Cmd.Line)
	case s.built.Entrypoint != nil:
		return s.inDockerfile(message, s.built.Entrypoint.Line)
	}
	return s.found(message)
}

// bindFlags name the address to listen on, in the command lines of servers.
var bindFlags = []string{"--host", "--bind", "-b", "--listen", "--address", "--addr", "--listen-address", "--bind-address", "--http-host", "--ip", "--interface", "--server.address", "-S"}

// loopbackServers listen on the loopback where no flag says otherwise. The words
// must all be in the command line.
var loopbackServers = [][]string{
	{"flask", "run"}, {"uvicorn"}, {"gunicorn"}, {"hypercorn"}, {"manage.py", "runserver"}, {"fastapi", "dev"},
	{"vite"}, {"rails", "server"}, {"rails", "s"}, {"artisan", "serve"}, {"hugo", "server"}, {"jekyll", "serve"}, {"mkdocs", "serve"},
	{"jupyter", "notebook"}, {"jupyter", "lab"},
}

// bindsByEnv reports whether its environment names an address to listen on that
// is not the loopback.
func (s *service) bindsByEnv() bool {
	names := sorted(s.Environment)
	for _, a := range s.built.Env {
		names = append(names, a.Name)
	}
	for _, name := range names {
		value, ok := s.env(name)
		if ok && value != "" && bindName(name) && !isLoopback(value) {
			return true
		}
		if name == "GUNICORN_CMD_ARGS" && flagBinds(strings.Fields(value)) {
			return true
		}
	}
	return false
}

// bindsBySettings reports whether a server that listens on the loopback by itself
// does otherwise by a variable that names no address, or may do so by a file that it
// reads unasked.
func (s *service) bindsBySettings(server string) bool {
	switch server {
	case "gunicorn": // https://docs.gunicorn.org/en/stable/settings.html#bind
		_, ok := s.env("PORT")
		return ok || s.brings("gunicorn.conf.py")
	case "vite":
		return s.brings("vite.config.*")
	case "rails": // in development only (railties, rails server's default_host)
		for _, name := range []string{"RAILS_ENV", "RACK_ENV"} {
			if value, ok := s.env(name); ok && value != "" {
				return value != "development"
			}
		}
	}
	return false
}

// brings reports whether a file is in the directories that are built from, or
// mounted.
func (s *service) brings(pattern string) bool {
	var dirs []string
	if s.Build != nil {
		dirs = append(dirs, s.Build.Context)
	}
	for _, v := range s.Volumes {
		if v.Type == "bind" {
			dirs = append(dirs, v.Source)
		}
	}
	return slices.ContainsFunc(dirs, func(dir string) bool {
		found, _ := filepath.Glob(filepath.Join(dir, pattern))
		return len(found) > 0
	})
}

// bindsLoopback says which part of a command line binds the loopback; "" if none
// seems to. byEnv tells whether the environment has a server listen elsewhere.
func bindsLoopback(words []string, byEnv func(server string) bool) string {
	if n := len(words); n >= 3 && shell(words[0]) && words[n-2] == "-c" {
		words = strings.Fields(words[n-1])
	}
	for i, w := range words {
		name, value, joined := strings.Cut(w, "=")
		if !joined && i+1 < len(words) {
			value = words[i+1]
		}
		if slices.Contains(bindFlags, name) && isLoopback(value) && !flagBinds(words) {
			return quote(strings.TrimSpace(name + " " + value))
		}
	}
	for _, server := range loopbackServers {
		if !calls(words, server) || byEnv(server[0]) {
			continue
		}
		if flagBinds(words) || slices.ContainsFunc(words, func(w string) bool {
			return strings.Contains(w, "0.0.0.0") || strings.Contains(w, "[::]") || strings.HasPrefix(w, "0:")
		}) {
			return ""
		}
		if server[0] == "gunicorn" && slices.ContainsFunc(words, func(w string) bool { return strings.HasPrefix(w, "-c") || strings.HasPrefix(w, "--config") }) {
			return ""
		}
		return fmt.Sprintf("%s does so unless an address is given", strings.Join(server, " "))
	}
	return ""
}

// calls reports whether a command line calls a program with these words; an
// interpreter and "-m" may stand before it.
func calls(words, server []string) bool {
	at := slices.IndexFunc(words, func(w string) bool { return path.Base(w) == server[0] })
	if at < 0 || at > 5 {
		return false
	}
	return len(server) == 1 || slices.Contains(words[at+1:], server[1])
}

// flagBinds reports whether a command line names an address to listen on that is
// not the loopback.
func flagBinds(words []string) bool {
	for i, w := range words {
		name, value, joined := strings.Cut(w, "=")
		if !joined && i+1 < len(words) {
			value = words[i+1]
		}
		if slices.Contains(bindFlags, name) && !isLoopback(value) {
			return true
		}
	}
	return false
}

// isLoopback reports whether a value is an address of the loopback, with a port
// or a scheme or without.
func isLoopback(value string) bool {
	if _, rest, ok := strings.Cut(value, "://"); ok {
		value, _, _ = strings.Cut(rest, "/")
	}
	host := value
	if i := strings.LastIndexByte(value, ':'); i > 0 && !strings.HasSuffix(value, "]") && strings.Count(value, ":") == 1 || strings.HasPrefix(value, "[") && i > 0 {
		if _, err := strconv.Atoi(value[i+1:]); err == nil {
			host = value[:i]
		}
	}
	host = strings.Trim(host, "[]")
	addr, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && addr.IsLoopback()
}

// bindName reports whether a variable of this name says where to listen.
func bindName(name string) bool {
	name = strings.ToUpper(name)
	if hostAlone(name) {
		return true
	}
	for _, end := range []string{"LISTEN", "LISTEN_ADDR", "LISTEN_ADDRESS", "LISTEN_HOST", "BIND", "BIND_ADDR", "BIND_ADDRESS", "BIND_HOST", "SERVER_HOST", "SERVER_ADDRESS", "HTTP_HOST", "HTTP_ADDR", "RUN_HOST", "UVICORN_HOST", "BINDING"} {
		if name == end || strings.HasSuffix(name, "_"+end) {
			return true
		}
	}
	return false
}

// hostAlone reports whether the name says so only by custom.
func hostAlone(name string) bool {
	return strings.EqualFold(name, "HOST") || strings.EqualFold(name, "ADDR") || strings.EqualFold(name, "ADDRESS")
}
