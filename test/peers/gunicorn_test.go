package peers_test

import (
	"fmt"

	"github.com/aweigh/aweigh"
)

var gunicorn = peer{
	name:  "gunicorn",
	needs: []string{"/usr/bin/gunicorn"},
	good:  func(s *site) launch { return gunicornWith(s, "DATABASE=") },
	ends:  aweigh.Exit{Code: 0},
	// It tries five times, once a second.
	taken: outcome{1, `Can't connect to \('0\.0\.0\.0', \d+\)`},
	// With a second worker it would end with 1 or 3, as SIGCHLD finds it.
	broken:      func(s *site) launch { return gunicornWith(s, "WEB_CONCURRENCY=1") },
	brokenFails: outcome{3, `Worker failed to boot|KeyError: 'DATABASE'`},
	hung:        func(s *site) launch { return gunicornWith(s, "DATABASE="+s.silent) },
	hungSays:    `it listens on 0\.0\.0\.0:\d+, but does not pass the probe .*gunicorn`,
	// No stack: a worker of gunicorn has a handler of its own for SIGABRT.
}

func gunicornWith(s *site, env ...string) launch {
	return launch{
		command: []string{"/usr/bin/gunicorn", "--bind", fmt.Sprintf("0.0.0.0:%d", s.port),
			"--worker-tmp-dir", s.tmp, "--chdir", s.dir, "wsgi:app"},
		files: map[string]string{"wsgi.py": testdata("wsgi.py")},
		env:   append([]string{"WEB_CONCURRENCY=2", "PYTHONDONTWRITEBYTECODE=1"}, env...),
		flags: []string{"--probe", "/health"},
	}
}
