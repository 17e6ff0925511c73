package peers_test

import (
	"strconv"

	"github.com/aweigh/aweigh"
)

var httpServer = peer{
	name:  "http.server",
	needs: []string{"/usr/bin/python3"},
	good:  func(s *site) launch { return httpServerOn(s, strconv.Itoa(s.port)) },
	ends:  aweigh.Exit{Code: 143, Signal: "SIGTERM"},
	taken: outcome{1, `OSError: \[Errno 98\] Address already in use`},

	broken:      func(s *site) launch { return httpServerOn(s, "http") },
	brokenFails: outcome{2, `argument port: invalid int value: 'http'`},
	hung:        func(s *site) launch { return python(s, "server.py", "DATABASE="+s.silent) },
	hungSays:    `nothing of it listens on port \d+; python3 \(pid \d+\): .*127\.0\.0\.1:\d+`,
	hungStack:   lineOf(`%s", line %d in connect`, "server.py"),
}

func httpServerOn(s *site, port string) launch {
	return launch{command: []string{"/usr/bin/python3", "-m", "http.server", "--directory", s.dir, port}, flags: []string{"--probe", "/"}}
}

var aiohttp = peer{
	name:  "aiohttp",
	needs: []string{"/usr/bin/python3", "/usr/lib/python3/dist-packages/aiohttp"},
	good: func(s *site) launch {
		l := python(s, "service.py", "DATABASE=")
		l.flags = []string{"--probe", "/health", "--expect", `status == 200 && body.status == "ok"`}
		return l
	},
	ends:        aweigh.Exit{Code: 0},
	taken:       outcome{1, `OSError: \[Errno 98\] .*address already in use`},
	broken:      func(s *site) launch { return python(s, "service.py") },
	brokenFails: outcome{1, `KeyError: 'DATABASE'`},
	hung:        func(s *site) launch { return python(s, "service.py", "DATABASE="+s.silent) },
	hungSays:    `nothing of it listens on port \d+; python3 \(pid \d+\): .*127\.0\.0\.1:\d+`,
	hungStack:   lineOf(`%s", line %d in connect`, "service.py"),
}

// python is a program of testdata under Debian's Python.
func python(s *site, name string, env ...string) launch {
	return launch{
		command: []string{"/usr/bin/python3", s.dir + "/" + name, strconv.Itoa(s.port)},
		files:   map[string]string{name: testdata(name)},
		env:     append(env, "PYTHONDONTWRITEBYTECODE=1"),
	}
}
