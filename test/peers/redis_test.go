package peers_test

import (
	"fmt"

	"github.com/aweigh/aweigh"
)

var redis = peer{
	name:        "redis",
	needs:       []string{"redis-server"},
	good:        func(s *site) launch { return redisWith(s, "") },
	ends:        aweigh.Exit{Code: 0},
	taken:       outcome{1, `Failed listening on port \d+ \(TCP\), aborting|Address already in use`},
	broken:      func(s *site) launch { return redisWith(s, "maxmemory-polcy allkeys-lru\n") },
	brokenFails: outcome{1, `Bad directive or wrong number of arguments`},
	hung: func(s *site) launch {
		l := redisWith(s, fmt.Sprintf("include %s/users.conf\n", s.dir))
		l.files["users.conf"] = fifo
		return l
	},
	hungSays: `redis-server \(pid \d+\): .* in open of the named pipe \S*/users\.conf`,
}

func redisWith(s *site, line string) launch {
	config := fmt.Sprintf("bind 0.0.0.0\nport %d\nprotected-mode no\nsave \"\"\ndir %s\n%s", s.port, s.tmp, line)
	return launch{
		command: []string{"redis-server", s.dir + "/redis.conf"},
		files:   map[string]string{"redis.conf": config},
	}
}
