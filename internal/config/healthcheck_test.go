package config

import (
	"strings"
	"testing"

	"github.com/aweigh/aweigh/internal/probe"
)

func TestHealthChecksBecomeProbesThatAskTheSame(t *testing.T) {
	for _, c := range []struct {
		test []string
		want string // "" where a plain request would ask something else
	}{
		{cmd("curl", "-f", "http://localhost:8080/health"), "http://:8080/health"},
		{cmd("curl", "-sf", "http://127.0.0.1:5003/health"), "http://:5003/health"},
		{cmd("/usr/bin/curl", "-fsSo", "/dev/null", "-m", "3", "https://localhost/"), "https://:443/"},
		{cmd("curl", "--fail", "--silent", "--max-time=2", "--url", "http://[::1]:80/a?b=c"), "http://:80/a?b=c"},
		{cmd("curl", "-f", "localhost:3000"), "http://:3000/"},
		{cmd("wget", "-qO-", "http://localhost:8080/health"), "http://:8080/health"},
		{cmd("wget", "--no-verbose", "--tries=1", "--spider", "http://localhost:8080/ready"), "http://:8080/ready"},
		{cmd("wget", "-nv", "-t1", "--spider", "http://0.0.0.0:1/"), "http://:1/"},
		{shell("curl -f http://localhost:8080/health || exit 1"), "http://:8080/health"},
		{shell("curl --fail http://localhost/ping >/dev/null 2>&1 || false"), "http://:80/ping"},
		{shell(`curl -fs "http://localhost:9200/_cluster/health?wait_for_status=yellow" > /dev/null`), "http://:9200/_cluster/health?wait_for_status=yellow"},
		{shell("wget -q --spider http://localhost:8080/x?y=1||exit 1"), ""}, // not cut as a shell would: left alone
		{cmd("sh", "-c", "curl -f http://localhost:8080/health"), "http://:8080/health"},
		{cmd("nc", "-z", "localhost", "5432"), "tcp://:5432"},
		{shell("nc -zv -w 2 127.0.0.1 6379"), "tcp://:6379"},
		{cmd("/bin/grpc_health_probe", "-addr=:50051"), "grpc://:50051"},
		{cmd("grpc_health_probe", "--addr", "localhost:50051", "-service=my.Service"), "grpc://:50051/my.Service"},
		{cmd("/aweigh-init", "health", "http://127.0.0.1:5003/health"), "http://:5003/health"},

		{nil, ""}, {[]string{"NONE"}, ""}, {[]string{"CMD"}, ""}, {cmd("/aweigh-init", "health"), ""},
		{cmd("curl", "http://localhost:8080/"), ""},                                       // any answer would do
		{cmd("curl", "-fL", "http://localhost:8080/"), ""},                                // follows redirects
		{cmd("curl", "-f", "-H", "Host: a", "http://localhost/"), ""},                     // a header
		{cmd("curl", "-f", "-X", "POST", "http://localhost/"), ""},                        // a method
		{cmd("curl", "-f", "http://db:8080/"), ""},                                        // another host
		{cmd("curl", "-f", "http://localhost.evil.example/"), ""},                         // another host
		{cmd("curl", "-f", "http://user:pw@localhost/"), ""},                              // a password
		{cmd("curl", "-f", "http://localhost/a", "http://localhost/b"), ""},               // two questions
		{cmd("curl", "-f", "http://localhost:{80,81}/"), ""},                              // two questions
		{cmd("curl", "-f", "--unix-socket", "/run/docker.sock", "http://localhost/"), ""}, // elsewhere
		{cmd("curl", "-f", "file:///etc/passwd"), ""},
		{cmd("wget", "--header=A: b", "http://localhost/"), ""},
		{shell("curl -f http://localhost:$PORT/health"), ""},
		{shell("curl -f http://localhost:${PORT:-80}/health"), ""},
		{shell("curl -f `cat /url`"), ""},
		{shell("curl -f http://localhost/ | grep ok"), ""},
		{shell("curl -f http://localhost/ && curl -f http://localhost:81/"), ""},
		{shell("curl -f http://localhost/; true"), ""},
		{shell("curl -f http://localhost/ || true"), ""}, // always healthy
		{shell("curl -f http://localhost/ || exit 0"), ""},
		{shell("curl -f http://localhost/ || kill 1"), ""},
		{shell("curl -f http://localhost/ > /etc/passwd"), ""},
		{shell("! curl -f http://localhost/"), ""},
		{shell("FOO=1 curl -f http://localhost/"), ""},
		{shell(`curl -f "http://localhost/`), ""},
		{shell("pg_isready -U postgres"), ""},
		{shell("exec curl -f http://localhost/"), ""},
		{cmd("curl", "-f", "http://localhost:99999/"), ""},
		{cmd("nc", "-z", "db", "5432"), ""},
		{cmd("nc", "localhost", "5432"), ""},
		{cmd("grpc_health_probe", "-addr=db:1"), ""},
		{cmd("grpc_health_probe", "-tls", "-addr=:1"), ""},
	} {
		got, ok := ProbeFromHealthcheck(c.test)
		if got != c.want || ok != (c.want != "") {
			t.Errorf("%q: got %q, %v, want %q", c.test, got, ok, c.want)
		}
	}
}

func FuzzProbeFromHealthcheck(f *testing.F) {
	f.Add("CMD", "curl\x00-f\x00http://localhost:8080/health")
	f.Add("CMD-SHELL", "curl -f http://localhost:8080/health || exit 1")
	f.Add("CMD-SHELL", `wget -qO- "http://[::1]:80/a?b=c" > /dev/null 2>&1`)
	f.Add("CMD", "grpc_health_probe\x00-addr=:50051\x00-service=a")
	f.Add("CMD", "nc\x00-z\x00localhost\x001")
	f.Fuzz(func(t *testing.T, kind, words string) {
		got, ok := ProbeFromHealthcheck(append([]string{kind}, strings.Split(words, "\x00")...))
		if !ok {
			if got != "" {
				t.Fatalf("%q without ok", got)
			}
			return
		}
		target, err := probe.Parse(got, 0)
		switch {
		case err != nil:
			t.Fatalf("%q is no probe: %v", got, err)
		case target.Host != "" || target.Protocol == probe.Exec || target.Port == 0:
			t.Fatalf("%q asks something else than the container", got)
		}
	})
}

func cmd(argv ...string) []string { return append([]string{"CMD"}, argv...) }
func shell(line string) []string  { return []string{"CMD-SHELL", line} }
