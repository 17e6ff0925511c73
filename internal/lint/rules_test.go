package lint

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/compose"
)

// example is a small project, and what a rule says of it.
type example struct {
	compose    string // the body of `services:`, or a whole file if it begins with "name:"
	dockerfile string
	host       func(*Input)
	want       string // "LINE message" of the one finding; "" is none
}

// The table has, for each rule, what it finds and what it leaves alone.
var examples = map[string][]example{
	"no-healthcheck": {
		{compose: `web: {image: "x:1", ports: ["80:80"]}`, want: "2 no health check in the compose file; whether the image has one is not known here"},
		{compose: `web: {image: "x:1", healthcheck: {disable: true}}`, want: "2 the health check is turned off"},
		{compose: `web: {image: "x:1", ports: ["80:80"]}`, host: image(Image{}), want: "2 no health check"},
		{compose: `web: {build: .}`, dockerfile: "FROM scratch\nHEALTHCHECK NONE\n", want: "2 HEALTHCHECK NONE: the health check is turned off"},
		{compose: `web: {image: "x:1"}`, host: image(Image{HealthTest: []string{"CMD", "/check"}})},
		{compose: `web: {build: .}`, dockerfile: "FROM x:1\nHEALTHCHECK CMD /check\n"},
		{compose: `web: {image: "x:1", command: migrate}`}, // a job
	},
	"healthcheck-program": {
		{compose: `web: {build: ., healthcheck: {test: "curl -f http://localhost/"}}`, dockerfile: "FROM scratch\nCOPY server /server\n",
			want: "2 the health check needs /bin/sh and curl, and the image is made FROM scratch: nothing is in it but what is copied"},
		{compose: `web: {image: "x:1", healthcheck: {test: ["CMD", "curl", "-f", "http://localhost/"]}}`, host: lacks("curl"),
			want: "2 the health check needs curl, which the image x:1 does not have"},
		{compose: `web: {build: ., healthcheck: {test: ["CMD", "/server", "check"]}}`, dockerfile: "FROM scratch\nCOPY server /server\n"},
		{compose: `web: {build: ., healthcheck: {test: ["CMD", "curl", "x"]}}`, dockerfile: "FROM scratch\nCOPY --from=y / /\n"},
		{compose: `web: {image: "x:1", healthcheck: {test: ["CMD", "curl", "x"]}}`}, // nobody knows
		{compose: `web: {image: "x:1", healthcheck: {test: "true || exit 1"}}`, host: lacks("curl")},
		{compose: `web: {image: "x:1", healthcheck: {test: "/opt/app/check.sh || ./other"}}`, host: lacks("check.sh", "other", "./other")},
		{compose: `web: {image: "x:1", healthcheck: {test: "/opt/app/check.sh || exit 1"}}`, host: lacks("/opt/app/check.sh"), want: "2 the health check needs /opt/app/check.sh, which the image x:1 does not have"},
		{compose: `web: {image: "x:1", healthcheck: {test: 'test $$(curl -s -o /dev/null -w "%{http_code}" http://localhost/) -eq 200'}}`, host: lacks("-eq")},
		{compose: `web: {image: "x:1", healthcheck: {test: ["CMD", "bash", "-c", "[[ $$(curl -s http://localhost/) = ok ]]"]}}`, host: lacks("[[", "ok")},
		{compose: "web: {image: \"x:1\", healthcheck: {test: \"curl -f \\\\\\n  http://localhost/healthz\"}}", host: lacks("healthz")},
	},
	"healthcheck-weak": {
		{compose: `web: {image: "x:1", healthcheck: {test: "pgrep nginx"}}`, want: "2 the health check is weak: pgrep only sees that a process exists"},
		{compose: `web: {image: "x:1", healthcheck: {test: "nc -z localhost 80 || exit 1"}}`, want: "2 the health check is weak: nc only sees that something listens"},
		{compose: `web: {image: "x:1", healthcheck: {test: "curl -s http://localhost/"}}`, want: "2 the health check is weak: curl without -f takes a 500 for success"},
		{compose: `web: {image: "x:1", healthcheck: {test: "curl -f localhost || exit 0"}}`, want: "2 the health check is weak: it ends in exit 0, whatever came before"},
		{compose: `web: {image: "x:1", healthcheck: {test: "echo > /dev/tcp/127.0.0.1/80"}}`, want: "2 the health check is weak: it only sees that a port accepts a connection"},
		{compose: `web: {image: "x:1", healthcheck: {test: "curl -fsS http://localhost/ || exit 1"}}`},
		{compose: `web: {image: "x:1", healthcheck: {test: ["CMD-SHELL", "curl -s http://localhost/ | grep ok"]}}`},
		{compose: `web: {image: "x:1", healthcheck: {test: ["CMD", "pg_isready"]}}`},
		{compose: `web: {image: "x:1", healthcheck: {test: "curl http://localhost/ || exit 1"}}`, want: "2 the health check is weak: curl without -f takes a 500 for success"},
		{compose: `web: {image: "x:1", healthcheck: {test: "curl -f http://localhost/ || true"}}`, want: "2 the health check is weak: it always succeeds"},
		{compose: `web: {image: "x:1", healthcheck: {test: "kill -0 1 || exit 1"}}`, want: "2 the health check is weak: kill only sees that a process exists"},
		{compose: `web: {image: "x:1", healthcheck: {test: "[ -f /tmp/ready ] || exit 1"}}`, want: "2 the health check is weak: [ only looks at a file"},
		{compose: `web: {image: "x:1", healthcheck: {test: "ps aux | grep -v grep | grep nginx"}}`, want: "2 the health check is weak: ps only sees that a process exists"},
		{compose: `web: {image: "x:1", healthcheck: {test: "curl -f http://localhost/ && exit 0 || exit 1"}}`},
		{compose: `web: {image: "x:1", healthcheck: {test: "if curl -fs http://localhost/; then exit 0; else exit 1; fi"}}`},
		{compose: `web: {image: "x:1", healthcheck: {test: "wget -q --spider http://localhost/ || exit 1; exit 0"}}`},
		{compose: `web: {image: "x:1", healthcheck: {test: "curl -f http://localhost/ || kill 1"}}`},
		{compose: `web: {image: "x:1", healthcheck: {test: "pgrep nginx && curl -f http://localhost/"}}`},
		{compose: `web: {image: "x:1", healthcheck: {test: '[ "$$(redis-cli -s /run/r.sock ping)" = PONG ]'}}`},
		{compose: `web: {image: "x:1", healthcheck: {test: 'test $$(curl -s -o /dev/null -w "%{http_code}" http://localhost/) -eq 200'}}`},
		{compose: `web: {image: "x:1", healthcheck: {test: "echo ruok | nc localhost 2181 | grep imok"}}`},
		{compose: `web: {image: "x:1", healthcheck: {test: ["CMD", "bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/9000; echo -e 'GET /health HTTP/1.0\r\n\r\n' >&3; grep -q '200 OK' <&3"]}}`},
	},
	"healthcheck-port": {
		{compose: `web: {image: "x:1", ports: ["80:8080"], healthcheck: {test: "curl -f http://localhost:80/"}}`, want: "2 the health check asks port 80, which is the published one: inside it is 8080"},
		{compose: `web: {image: "x:1", ports: ["80:8080"], healthcheck: {test: "curl -f http://localhost:81/"}}`, want: "2 the health check asks port 81, and what is known of the service is 8080"},
		{compose: `web: {image: "x:1", ports: ["80:8080"], labels: {aweigh.probe: "http://:8080/health"}, healthcheck: {test: "curl -f http://localhost:8080/ping"}}`,
			want: "2 the health check asks /ping, and the probe of the service is /health"},
		{compose: `web: {image: "x:1", ports: ["80:8080"], healthcheck: {test: "curl -f http://localhost:8080/"}}`},
		{compose: `web: {image: "x:1", ports: ["80:8080"], environment: {PORT: "9"}, healthcheck: {test: "curl -f http://localhost:9/"}}`},
		{compose: `web: {image: "x:1", healthcheck: {test: "curl -f http://localhost:80/"}}`},
	},
	"healthcheck-elsewhere": {
		{compose: `web: {image: "x:1", healthcheck: {test: "curl -f http://example.com/"}}`, want: "2 the health check asks example.com"},
		{compose: `web: {image: "x:1", healthcheck: {test: "curl -f http://web:80/"}}`},
		{compose: `web: {image: "x:1", healthcheck: {test: "curl -f http://$$HOSTNAME/"}}`},
	},
	"healthcheck-blind": {
		{compose: `web: {image: "x:1", healthcheck: {test: "x", interval: 1m, retries: 5}}`, want: "2 an outage is seen after 5m (interval 1m × 5 retries)"},
		{compose: `web: {image: "x:1", healthcheck: {test: "x"}}`},
	},
	"start-period-missing": {
		{compose: `web: {image: "x:1", healthcheck: {test: "x"}}`, want: "2 the health check has no start_period; no start of it was measured"},
		{compose: `web: {image: "x:1", healthcheck: {test: "x"}}`, host: took(4 * time.Second), want: "2 the health check has no start_period; the one start that was measured took 4s"},
		{compose: `web: {image: "x:1", healthcheck: {test: "x", start_period: 10s}}`},
		{compose: `web: {build: ., healthcheck: {interval: 5s}}`, dockerfile: "FROM x:1\nHEALTHCHECK --start-period=9s CMD x\n"},
	},
	"start-period-short": {
		{compose: `web: {image: "x:1", healthcheck: {test: "x", start_period: 5s}}`, host: took(3*time.Second, 4*time.Second, 200*time.Second),
			want: "2 start_period is 5s, and the 99th percentile of 3 starts that were measured is 3m20s"},
		{compose: `web: {image: "x:1", healthcheck: {test: "x", start_period: 5s}}`, host: took(3*time.Second, 4*time.Second)},
		{compose: `web: {image: "x:1", healthcheck: {test: "x", start_period: 5s}}`},
	},
	"depends-on-started": {
		{compose: "web: {image: \"x:1\", depends_on: [db]}\n  db: {image: \"y:1\", healthcheck: {test: x}}", want: "2 it is started before db serves: depends_on does not wait for service_healthy"},
		{compose: "web: {image: \"x:1\", depends_on: {db: {condition: service_healthy}}}\n  db: {image: \"y:1\", healthcheck: {test: x}}"},
		{compose: "web: {image: \"x:1\", depends_on: [db]}\n  db: {image: \"y:1\", command: migrate}"},
	},
	"depends-on-unchecked": {
		{compose: "web: {image: \"x:1\", depends_on: {db: {condition: service_healthy}}}\n  db: {image: \"y:1\", healthcheck: {disable: true}}", want: "2 it waits for the health of db, which has no health check"},
		{compose: "web: {image: \"x:1\", depends_on: {db: {condition: service_healthy}}}\n  db: {image: \"y:1\"}",
			want: "2 it waits for the health of db, which has no health check unless its image has one: that is not known here"},
		{compose: "web: {image: \"x:1\", depends_on: {db: {condition: service_healthy}}}\n  db: {image: \"y:1\", healthcheck: {test: x}}"},
	},
	"port-clash": {
		{compose: "a: {image: \"x:1\", ports: [\"80:80\"]}\n  b: {image: \"x:1\", ports: [\"127.0.0.1:80:8080\"]}", want: "3 port 127.0.0.1:80 is published by a as well"},
		{compose: "a: {image: \"x:1\", ports: [\"80:80\"], scale: 2}", want: "2 2 containers of a publish port 80: only one of them can"},
		{compose: "a: {image: \"x:1\", ports: [\"10.0.0.1:80:80\"]}\n  b: {image: \"x:1\", ports: [\"10.0.0.2:80:80\"]}"},
		{compose: "a: {image: \"x:1\", ports: [\"53:53\", \"53:53/udp\", \"80\"]}\n  b: {image: \"x:1\", ports: [\"80\"]}"},
		{compose: `a: {image: "x:1", ports: ["0.0.0.0:80:80", "[::]:80:80", "127.0.0.1:81:81", "[::1]:81:81"]}`},
		{compose: "a: {image: \"x:1\", ports: [\"80:80\"]}\n  b: {image: \"x:1\", ports: [\"[::]:80:80\"]}", want: "3 port [::]:80 is published by a as well"},
		{compose: "a: {image: \"x:1\", network_mode: host, ports: [\"80:80\"]}\n  b: {image: \"x:1\", network_mode: host, ports: [\"80:80\"]}"},
		{compose: "a: {image: \"x:1\", ports: [\"80:80\"], profiles: [one]}\n  b: {image: \"x:1\", ports: [\"80:80\"], profiles: [two]}"},
	},
	"port-taken": {
		{compose: `web: {image: "x:1", ports: ["80:80"]}`, host: taken(Listener{Addr: "0.0.0.0", Port: 80, By: "nginx (pid 812)"}), want: "2 port 80 is taken on this host by nginx (pid 812)"},
		{compose: `web: {image: "x:1", ports: ["80:80"]}`, host: taken(Listener{Addr: "::", Port: 80, Project: "shop", Service: "web"})},
		{compose: `web: {image: "x:1", ports: ["10.0.0.1:80:80"]}`, host: taken(Listener{Addr: "127.0.0.1", Port: 80})},
		{compose: `web: {image: "x:1", ports: ["10.0.0.1:80:80"]}`, host: taken(Listener{Addr: "::", Port: 80, By: "nginx"}), want: "2 port 10.0.0.1:80 is taken on this host by nginx"},
		{compose: `web: {image: "x:1", ports: ["10.0.0.1:80:80"]}`, host: taken(Listener{Addr: "::1", Port: 80, By: "nginx"})},
	},
	"loopback-inside": {
		{compose: `web: {image: "x:1", ports: ["80:80"], command: "serve --host 127.0.0.1"}`, want: "2 it listens on the container's loopback only: --host 127.0.0.1"},
		{compose: `web: {image: "x:1", ports: ["80:80"], command: "python -m uvicorn app:app"}`, want: "2 it listens on the container's loopback only: uvicorn does so unless an address is given"},
		{compose: `web: {image: "x:1", ports: ["80:80"], environment: {LISTEN_ADDR: "localhost:80"}}`, want: "2 it may listen on the container's loopback only: LISTEN_ADDR is localhost:80"},
		{compose: `web: {build: ., ports: ["80:80"]}`, dockerfile: "FROM x:1\nCMD flask run\n", want: "2 it listens on the container's loopback only: flask run does so unless an address is given"},
		{compose: `web: {build: ., ports: ["80:80"]}`, dockerfile: "FROM x:1\nSHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]\nCMD flask run\n", want: "3 it listens on the container's loopback only: flask run does so unless an address is given"},
		{compose: `web: {image: "x:1", ports: ["80:80"], command: "uvicorn app:app --host 0.0.0.0"}`},
		{compose: `web: {build: ., ports: ["80:80"]}`, dockerfile: "FROM x:1\nENV FLASK_RUN_HOST 0.0.0.0\nCMD [\"flask\", \"run\"]\n"},
		{compose: `web: {image: "x:1", ports: ["80:80"], environment: {GUNICORN_CMD_ARGS: "--bind=:80"}, command: "gunicorn app"}`},
		{compose: `web: {image: "x:1", ports: ["80:80"], command: "gunicorn -b :80 app"}`},
		{compose: `web: {image: "x:1", ports: ["80:80"], command: "gunicorn -b 127.0.0.1:81 -b :80 app"}`},
		{compose: `web: {image: "x:1", ports: ["80:80"], environment: {PORT: "80"}, command: "gunicorn app"}`},
		{compose: `web: {image: "x:1", ports: ["80:80"], command: "python manage.py runserver 0:80"}`},
		{compose: `web: {image: "x:1", ports: ["80:80"], command: "bin/rails server"}`, want: "2 it listens on the container's loopback only: rails server does so unless an address is given"},
		{compose: `web: {build: ., ports: ["80:80"]}`, dockerfile: "FROM x:1\nENV RAILS_ENV=\"production\"\nCMD [\"./bin/rails\", \"server\"]\n"},
		{compose: `web: {image: "x:1", ports: ["80:80"], environment: {BINDING: 0.0.0.0}, command: "bin/rails server"}`},
		{compose: `web: {image: "x:1", command: "uvicorn app:app"}`},
		{compose: `web: {image: "x:1", ports: ["80:80"], network_mode: host, command: "uvicorn app:app"}`},
	},
	"floating-tag": {
		{compose: `web: {image: "localhost:5000/x"}`, want: "2 image localhost:5000/x has no tag, which means latest"},
		{compose: `web: {image: "x:latest"}`, want: "2 image x:latest has a tag that moves"},
		{compose: `web: {image: "x:1.2"}`},
		{compose: `web: {image: "x@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}`},
	},
	"floating-base": {
		{compose: `web: {build: .}`, dockerfile: "ARG BASE=python\nFROM $BASE\n", want: "2 the base image python has no tag, which means latest"},
		{compose: `web: {build: .}`, dockerfile: "FROM scratch\n"},
		{compose: `web: {build: {context: ., additional_contexts: {base: "service:base"}}}` + "\n  base: {image: x, build: {context: ., dockerfile_inline: \"FROM x:1\"}}", dockerfile: "FROM base\n"},
		{compose: `web: {build: {context: ., args: {TAG: "3.12"}}}`, dockerfile: "ARG TAG=latest\nARG BASE=python:${TAG}\nFROM $BASE\n"},
	},
	"variable-unset": {
		{compose: `web: {image: "x:${LINT_TEST_TAG}"}`, want: "2 variable LINT_TEST_TAG is not set, and has no default"},
		{compose: `web: {image: "x:${LINT_TEST_TAG:?say it}"}`, want: "2 variable LINT_TEST_TAG must be set, and is not: say it"},
		{compose: `web: {image: "x:1", environment: [LINT_TEST_NAME]}`, want: "2 LINT_TEST_NAME is to be passed on, and is not set here"},
		{compose: `web: {image: "x:${LINT_TEST_TAG:-1}"}`},
	},
	"file-missing": {
		{compose: `web: {image: "x:1", env_file: nosuch.env}`, want: "2 env_file nosuch.env is not there"},
		{compose: `web: {image: "x:1", volumes: ["./nosuch:/x"]}`, want: "2 the source of a bind mount is not there: nosuch"},
		{compose: `web: {build: ./nosuch}`, want: "2 the Dockerfile nosuch/Dockerfile is not there"},
		{compose: `web: {build: {context: ., target: nosuch}}`, dockerfile: "FROM x\n", want: `2 Dockerfile has no stage "nosuch"`},
		{compose: "name: shop\nservices: {web: {image: x, secrets: [s]}}\nsecrets: {s: {file: nosuch}}", want: "3 the file of secret s is not there: nosuch"},
		{compose: `web: {image: "x:1", env_file: [{path: nosuch.env, required: false}], volumes: ["data:/x", ".:/y"]}` + "\nvolumes: {data: {}}"},
	},
	"plain-secret": {
		{compose: `web: {image: "x:1", environment: {DB_PASSWORD: hunter2}}`, want: "2 the value of DB_PASSWORD is written in the file"},
		{compose: `web: {image: "x:1", environment: ["DB=postgres://u:hunter2@db/x"]}`, want: "2 the value of DB is written in the file"},
		{compose: `web: {build: .}`, dockerfile: "FROM x:1\nENV API_KEY=hunter2\n", want: "2 the value of API_KEY is written in the Dockerfile, and stays in the image"},
		{compose: `web: {image: "x:1", environment: {DB_PASSWORD: "${PATH}", KEY: x, TOKEN_FILE: /run/secrets/t, TOKEN: /run/t, RESET_PASSWORD: "true", URL: "http://db/x"}}`},
		{compose: `web: {image: "x:1", environment: {REPO: "ssh://git@example.com:shop/web.git"}}`},
		{compose: `web: {image: "x:1", environment: {DB: "postgres://u:100%@db/x"}}`, want: "2 the value of DB is written in the file"},
	},
	"shared-volume": {
		{compose: "a: {image: x, volumes: [\"data:/a\"]}\n  b: {image: x, volumes: [\"data:/b\"]}\nvolumes: {data: {}}", want: "3 data is written to by a as well"},
		{compose: "a: {image: x, volumes: [\"data:/a\"]}\n  b: {image: x, volumes: [\"data:/b:ro\", \"/var/run/docker.sock:/s\"]}\n  c: {image: x, volumes: [\"/var/run/docker.sock:/s\"]}\nvolumes: {data: {}}"},
		{compose: "a: {image: x, volumes: [\"data:/a\"], depends_on: {init: {condition: service_completed_successfully}}}\n  init: {image: x, command: chown, volumes: [\"data:/a\"]}\nvolumes: {data: {}}"},
		{compose: "a: {image: x, volumes: [\"r:/var/lib/aweigh\"]}\n  b: {image: x, volumes: [\"r:/var/lib/aweigh\"]}\nvolumes: {r: {}}"},
	},
	"memory-limit": {
		{compose: `web: {image: "x:1", mem_limit: 64m}`, host: measured(Measured{OOM: 2}), want: "2 the limit is 64 MiB, and it was killed for want of memory 2 times"},
		{compose: `web: {image: "x:1", deploy: {resources: {limits: {memory: 64m}}}}`, host: measured(Measured{Peak: 63 << 20}), want: "2 the limit is 64 MiB, and it was seen to take 63 MiB"},
		{compose: `web: {image: "x:1", mem_limit: 64m}`, host: measured(Measured{Peak: 32 << 20})},
		{compose: `web: {image: "x:1"}`, host: measured(Measured{OOM: 2})},
	},
	"log-rotation": {
		{compose: `web: {image: "x:1"}`, want: "2 its log grows without end: no max-size, unless the engine's daemon.json has one"},
		{compose: `web: {image: "x:1", logging: {driver: json-file}}`, want: "2 its log grows without end: json-file without max-size"},
		{compose: `web: {image: "x:1", logging: {driver: local}}`},
		{compose: `web: {image: "x:1", logging: {options: {max-size: 1m}}}`},
		{compose: `web: {image: "x:1"}`, host: func(in *Input) { in.Rotated = true }},
		{compose: `web: {image: "x:1", logging: {options: {tag: x}}}`, host: func(in *Input) { in.Rotated = true }},
	},
	"restart-unwatched": {
		{compose: `web: {image: "x:1", restart: always}`, want: "2 restart: always, and no watcher has been on this host"},
		{compose: `web: {image: "x:1", restart: always}`, host: watched(3 * time.Hour), want: "2 restart: always, and no watcher has been here for 3h"},
		{compose: `web: {image: "x:1", restart: always}`, host: watched(time.Minute)},
		{compose: `web: {image: "x:1", restart: "no"}`},
	},
	"stop-grace": {
		{compose: `web: {image: "x:1"}`, want: "2 no stop_grace_period: it is killed 10s after SIGTERM"},
		{compose: `web: {image: "x:1", stop_grace_period: 0s}`, want: "2 stop_grace_period is 0s: it is killed at once"},
		{compose: `web: {image: "x:1", stop_grace_period: 20s}`},
	},
	"signals-lost": {
		{compose: `web: {build: .}`, dockerfile: "FROM x:1\nCMD migrate && serve\n", want: "2 its first process is a shell; dash, which is the sh of Debian, passes no signal on"},
		{compose: `web: {build: .}`, dockerfile: "FROM alpine:3\nCMD migrate && serve\n"},
		{compose: `web: {image: "x:1", command: ["bash", "-c", "migrate; serve"]}`},
		{compose: `web: {build: .}`, dockerfile: "FROM x:1\nCMD migrate && exec serve\n"},
		{compose: `web: {build: .}`, dockerfile: "FROM x:1\nSHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]\nCMD migrate && serve\n"},
		{compose: `web: {image: "x:1", entrypoint: "/bin/sh -c 'trap exit TERM; while :; do renew; sleep 12h & wait $${!}; done'"}`},
		{compose: `web: {build: .}`, dockerfile: "FROM x:1\nCMD [\"serve\"]\n"},
		{compose: `web: {build: ., init: true}`, dockerfile: "FROM x:1\nCMD migrate && serve\n"},
	},
	"init-missing": {
		{compose: `web: {image: "x:1", command: ["sh", "-c", "cron & serve"]}`, want: "2 its first process is a shell that starts others in the background"},
		{compose: `web: {image: "x:1", command: npm start}`, want: "2 npm is its first process, and reaps only what it started itself"},
		{compose: `web: {image: "x:1", command: npm start, init: true}`},
		{compose: `web: {image: "x:1", command: ["/aweigh-init", "--", "npm", "start"]}`},
		{compose: `web: {image: "x:1"}`},
	},
}

func TestADockerfileIsFoundAsBuildKitFindsIt(t *testing.T) {
	e := example{compose: `web: {build: .}`}
	run(t, e)
	write(t, "dockerfile", "FROM x:1\n")
	if got := said(load(t, nil), "file-missing"); len(got) != 0 {
		t.Errorf("in small letters: %q", got)
	}
	if err := os.Mkdir("Dockerfile", 0o700); err != nil {
		t.Fatal(err)
	}
	if got := said(load(t, nil), "file-missing"); len(got) != 1 || strings.Contains(got[0], "not there") {
		t.Errorf("one that cannot be read: %q", got)
	}
}

// A server that has a configuration may have its address there.
func TestAServerWithAConfigurationOfItsOwnIsNotJudgedByItsCommand(t *testing.T) {
	for config, command := range map[string]string{"vite.config.ts": "npx vite", "gunicorn.conf.py": "gunicorn app"} {
		e := example{compose: `web: {image: "x:1", ports: ["80:80"], command: ` + command + `, volumes: [".:/app"]}`}
		if got := said(run(t, e), "loopback-inside"); len(got) != 1 {
			t.Errorf("%s: %q", command, got)
		}
		write(t, config, "")
		if got := said(load(t, nil), "loopback-inside"); len(got) != 0 {
			t.Errorf("%s with %s: %q", command, config, got)
		}
	}
}

// Source that is mounted for development, and a file, are not data of several.
func TestWhatIsReadByAllIsMilderThanWhatIsWritten(t *testing.T) {
	compose := "a: {image: x, build: ., volumes: [\".:/app\", \"./Dockerfile:/etc/x\", \"./data:/data\"]}\n  b: {image: x, build: ., volumes: [\".:/app\", \"./Dockerfile:/etc/x\", \"./data:/data\"]}"
	severities := map[string]aweigh.Severity{}
	for _, f := range run(t, example{compose: compose, dockerfile: "FROM x:1\n"}) {
		if f.Rule == "shared-volume" {
			what, _, _ := strings.Cut(f.Message, " ")
			severities[what] = f.Severity
		}
	}
	if severities["."] != aweigh.Info || severities["Dockerfile"] != aweigh.Info || severities["data"] != aweigh.Warning {
		t.Errorf("got %v", severities)
	}
}

// What a service of the project builds is not pulled by the others.
func TestAnImageThatIsBuiltHereIsNoSurprise(t *testing.T) {
	for _, f := range run(t, example{compose: "web: {build: ., image: shop}\n  worker: {image: shop}", dockerfile: "FROM x:1\n"}) {
		if f.Rule == "floating-tag" && f.Severity != aweigh.Info {
			t.Errorf("%v: %s", f.Services, f.Severity)
		}
	}
}

func TestEachRule(t *testing.T) {
	for _, r := range Rules() {
		found, left := 0, 0
		for _, e := range examples[r.ID] {
			got := strings.Join(said(run(t, e), r.ID), "\n")
			if got != e.want {
				t.Errorf("%s: of\n%s\ngot  %q\nwant %q", r.ID, e.compose, got, e.want)
			}
			if e.want == "" {
				left++
			} else {
				found++
			}
		}
		if found == 0 || left == 0 {
			t.Errorf("%s has no example of what it finds, or none of what it leaves alone", r.ID)
		}
		if r.Title == "" || r.Why == "" || r.Fix == "" || rank(r.Severity) < 0 {
			t.Errorf("%s is not complete", r.ID)
		}
	}
}

// run lints an example in a directory of its own.
func run(t *testing.T, e example) []Finding {
	t.Helper()
	text := e.compose
	if !strings.HasPrefix(text, "name:") {
		text = "services:\n  " + text
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "compose.yaml"), text+"\n")
	if e.dockerfile != "" {
		write(t, filepath.Join(dir, "Dockerfile"), e.dockerfile)
	}
	t.Chdir(dir)
	return load(t, e.host)
}

func load(t *testing.T, host func(*Input)) []Finding {
	t.Helper()
	p, err := compose.Load(t.Context(), compose.Choice{Name: "shop", Lenient: true})
	if err != nil {
		t.Fatal(err)
	}
	in := Input{Project: p}
	if host != nil {
		host(&in)
	}
	return Run(in)
}

func said(findings []Finding, rule string) (all []string) {
	for _, f := range findings {
		if f.Rule == rule {
			all = append(all, strings.Split(f.Place().String(), ":")[1]+" "+f.Message)
		}
	}
	return all
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func image(i Image) func(*Input) {
	return func(in *Input) { in.Images = func(string) (Image, bool) { return i, true } }
}

func lacks(programs ...string) func(*Input) {
	return func(in *Input) {
		image(Image{})(in)
		in.Lacks = func(_ string, wanted []string) (missing []string, ok bool) {
			for _, w := range wanted {
				for _, p := range programs {
					if w == p {
						missing = append(missing, w)
					}
				}
			}
			return missing, true
		}
	}
}

func measured(m Measured) func(*Input) {
	return func(in *Input) { in.Measured = func(string) Measured { return m } }
}

func took(d ...time.Duration) func(*Input) { return measured(Measured{Ready: d}) }

func taken(l Listener) func(*Input) { return func(in *Input) { in.Listeners = []Listener{l} } }

func watched(ago time.Duration) func(*Input) {
	return func(in *Input) { in.Now = time.Now(); in.Watcher.Last = in.Now.Add(-ago) }
}
