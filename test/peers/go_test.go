package peers_test

import (
	"strconv"

	"github.com/aweigh/aweigh"
)

var goNetHTTP = peer{
	name:        "go",
	good:        func(s *site) launch { return goWith(s, "DATABASE=") },
	ends:        aweigh.Exit{Code: 143, Signal: "SIGTERM"},
	taken:       outcome{1, `listen tcp :\d+: bind: address already in use`},
	broken:      func(s *site) launch { return goWith(s) },
	brokenFails: outcome{1, `DATABASE is not set`},
	hung:        func(s *site) launch { return goWith(s, "DATABASE="+s.silent) },
	hungSays:    `nothing of it listens on port \d+; goserver \(pid \d+\): .*127\.0\.0\.1:\d+`,
	hungStack:   lineOf(`%s:%d`, "goserver/main.go"),
}

func goWith(s *site, env ...string) launch {
	return launch{command: []string{goServer, strconv.Itoa(s.port)}, env: env, flags: []string{"--probe", "/health"}}
}
