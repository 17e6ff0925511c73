package peers_test

import (
	"fmt"

	"github.com/aweigh/aweigh"
)

var nginx = peer{
	name:  "nginx",
	needs: []string{"nginx"},
	good:  func(s *site) launch { return nginxWith(s, "") },
	ends:  aweigh.Exit{Code: 0},
	// It tries for 2.5 s, and has a line for each time.
	taken:       outcome{1, `still could not bind\(\)|bind\(\) to 0\.0\.0\.0:\d+ failed \(98: Address already in use\)`},
	broken:      func(s *site) launch { return nginxWith(s, "proxy_pas http://upstream;") },
	brokenFails: outcome{1, `unknown directive .*proxy_pas.*nginx\.conf:\d+`},
	hung: func(s *site) launch {
		l := nginxWith(s, fmt.Sprintf("include %s/upstreams.conf;", s.dir))
		l.files["upstreams.conf"] = fifo
		return l
	},
	hungSays: `nginx \(pid \d+\): .* in open of the named pipe \S*/upstreams\.conf`,
}

// nginxWith is nginx in the foreground with two workers, and one more line in
// its configuration.
func nginxWith(s *site, line string) launch {
	config := fmt.Sprintf(`daemon off;
pid %[1]s/nginx.pid;
worker_processes 2;
events {}
http {
	access_log off;
	client_body_temp_path %[1]s/body;
	proxy_temp_path %[1]s/proxy;
	fastcgi_temp_path %[1]s/fastcgi;
	uwsgi_temp_path %[1]s/uwsgi;
	scgi_temp_path %[1]s/scgi;
	server {
		listen %[2]d;
		location /health { return 200 "ok\n"; }
		%[3]s
	}
}
`, s.tmp, s.port, line)
	return launch{
		command: []string{"nginx", "-e", "stderr", "-c", s.dir + "/nginx.conf"},
		files:   map[string]string{"nginx.conf": config},
		flags:   []string{"--probe", "/health"},
	}
}
