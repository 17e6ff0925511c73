package peers_test

import (
	"strconv"

	"github.com/aweigh/aweigh"
)

var node = peer{
	name:        "node",
	needs:       []string{"node"},
	good:        func(s *site) launch { return nodeWith(s, "DATABASE=") },
	ends:        aweigh.Exit{Code: 143, Signal: "SIGTERM"},
	taken:       outcome{1, `Error: listen EADDRINUSE: address already in use`},
	broken:      func(s *site) launch { return nodeWith(s) },
	brokenFails: outcome{1, `Error: DATABASE is not set`},
	hung:        func(s *site) launch { return nodeWith(s, "DATABASE="+s.silent) },
	hungSays:    `nothing of it listens on port \d+; node \(pid \d+\): .*127\.0\.0\.1:\d+`,
}

func nodeWith(s *site, env ...string) launch {
	return launch{
		command: []string{"node", s.dir + "/server.js", strconv.Itoa(s.port)},
		files:   map[string]string{"server.js": testdata("server.js")},
		env:     env,
		flags:   []string{"--probe", "/health"},
	}
}
