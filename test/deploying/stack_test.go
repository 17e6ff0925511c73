package deploying_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aweigh/aweigh/test/image"
)

const stackFile = `
version: "3"
services:
  web:
    build: {context: web}
    restart: always
    ports: ["127.0.0.1:PORT:80"]
    labels: {aweigh.probe: "http://:80/health", aweigh.interval: 1s}
    depends_on: [app]
  app:
    build: {context: app}
    restart: always
    labels: {aweigh.probe: "http://:8000/health", aweigh.interval: 1s}
    depends_on: [db]
  db:
    image: STACK
    command: ["/bin/sh", "-ec", "[ -s /data/pg/PG_VERSION ] || { BIN/initdb --no-sync --auth trust --locale C --encoding UTF8 /data/pg; echo 'host all all all trust' >>/data/pg/pg_hba.conf; }; exec BIN/postgres -D /data/pg -c listen_addresses='*' -c unix_socket_directories= -c fsync=off"]
    user: postgres
    restart: always
    volumes: ["data:/data"]
    labels: {aweigh.probe: "tcp://:5432", aweigh.interval: 1s}
volumes:
  data:
`

// stackNginx asks the engine for the application's address at each request, so that it
// begins without it, and finds the next container.
const stackNginx = `user www-data;
events {}
http {
	access_log /dev/stdout;
	server {
		listen 80;
		resolver 127.0.0.11 valid=1s;
		set $app app;
		location / { proxy_pass http://$app:8000; }
	}
}
`

const appCode = `import http.server, os, subprocess, threading

def query(sql):
    out = subprocess.run(["BIN/psql", "-h", "db", "-U", "postgres", "-qAtc", sql], capture_output=True, text=True, timeout=3)
    if out.returncode:
        raise OSError(out.stderr)
    return out.stdout.strip()

class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self, sql):
        try:
            status, text = 200, query(sql)
        except OSError as e:
            status, text = 500, str(e)
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    def do_GET(self):
        self.answer("select count(*) from orders")

    def do_POST(self):
        self.answer("insert into orders default values")

query("create table if not exists orders (id serial)")
print("release RELEASE", flush=True)
MORE
http.server.ThreadingHTTPServer(("", 8000), Handler).serve_forever()
`

// stack is an image with nginx, Python and PostgreSQL.
func stack(t *testing.T) string {
	t.Helper()
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if len(found) == 0 {
		missing(t, "PostgreSQL is not there: test/setup installs it")
	}
	bin := filepath.Dir(found[0])
	python, err := filepath.EvalSymlinks("/usr/bin/python3")
	if err != nil {
		missing(t, "python3 is not there: test/setup installs it")
	}
	if _, err := os.Stat("/usr/sbin/nginx"); err != nil {
		missing(t, "nginx is not there: test/setup installs it")
	}
	l := image.New()
	for _, program := range []string{"/bin/sh", "/usr/sbin/nginx", python, bin + "/postgres", bin + "/initdb", bin + "/psql"} {
		l.Program(program)
	}
	l.File("/usr/bin/python3", python)
	l.Tree("/usr/lib/"+filepath.Base(python), "__pycache__", "test", "idlelib", "lib2to3", "tkinter", "ensurepip", "pydoc_data")
	l.Tree(filepath.Dir(bin)+"/lib", "bitcode", "pgxs")
	l.Tree("/usr/share/postgresql/"+filepath.Base(filepath.Dir(bin)), "man", "extension_doc")
	for _, file := range []string{"/etc/passwd", "/etc/group", "/usr/share/zoneinfo/UTC"} {
		l.File(file, file)
	}
	for _, dir := range []string{"/tmp", "/run", "/data", "/var/lib/nginx", "/var/log/nginx"} {
		l.Dir(dir)
	}
	name := prefix + ":stack"
	if err := l.Import(name, "ENV TZ=UTC", "LABEL made-by="+name); err != nil {
		t.Fatal(err)
	}
	return name
}

// writeStack writes the compose file, and what its images are built of.
func (p *project) writeStack(t *testing.T, stack, release, more string) {
	t.Helper()
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	fill := strings.NewReplacer("STACK", stack, "PORT", fmt.Sprint(p.port), "BIN", found[0], "RELEASE", release, "MORE", more)
	for name, text := range map[string]string{
		"compose.yaml":   stackFile,
		"web/nginx.conf": stackNginx,
		"web/Dockerfile": "FROM STACK\nCOPY nginx.conf /etc/nginx/nginx.conf\nEXPOSE 80\nCMD [\"/usr/sbin/nginx\", \"-g\", \"daemon off; error_log stderr;\"]\n",
		"app/app.py":     appCode,
		"app/Dockerfile": "FROM STACK\nCOPY app.py /app.py\nEXPOSE 8000\nCMD [\"/usr/bin/python3\", \"/app.py\"]\n",
	} {
		p.put(t, name, fill.Replace(text))
	}
}

// orders are how many orders the stack knows of.
func (p *project) orders(t *testing.T) string {
	t.Helper()
	answer, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/", p.port))
	if err != nil {
		return err.Error()
	}
	defer answer.Body.Close()
	b, _ := io.ReadAll(answer.Body)
	return string(b)
}

// syntax is what the only deployment so far has found of the syntax of a service.
func (p *project) syntax(t *testing.T, service string) (found string) {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(p.state, "deployments", "*", "local", "preflight.json"))
	if len(files) != 1 {
		t.Fatalf("%d reports, want 1", len(files))
	}
	text, err := os.ReadFile(files[0])
	var report struct {
		Checks []struct{ Check, Service, Verdict, Found string }
	}
	if err == nil {
		err = json.Unmarshal(text, &report)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range report.Checks {
		if c.Check == "syntax" && c.Service == service {
			found += c.Verdict + ": " + c.Found
		}
	}
	return found
}

func TestStackWithADatabase(t *testing.T) {
	t.Parallel()
	image := stack(t)
	t.Cleanup(func() { removeBuilt(t, image) }) // once its containers are gone
	p := undeployed(t, "")
	p.writeStack(t, image, "1", "")
	out, code := p.aweigh(t, "deploy", "--yes", "--within", patience)
	wantExit(t, out, code, 0, "new: app, db, web")
	for service, command := range map[string]string{"app": "/usr/bin/python3 -c … /app.py", "web": "/usr/sbin/nginx -t"} {
		if got := p.syntax(t, service); !strings.HasPrefix(got, "passed: "+command) {
			t.Errorf("the syntax of %s: %q, want that %s has passed", service, got, command)
		}
	}
	for range 3 {
		answer, err := http.Post(fmt.Sprintf("http://127.0.0.1:%d/", p.port), "", nil)
		if err != nil || answer.StatusCode != 200 {
			t.Fatalf("no order is taken: %v, %v", answer, err)
		}
		answer.Body.Close()
	}
	db := p.runs(t, "db", "{{.ID}}")

	p.writeStack(t, image, "2", "")
	out, code = p.aweigh(t, "deploy", "--yes", "--trial", "off", "--within", patience)
	wantExit(t, out, code, 0, "new: app")

	p.writeStack(t, image, "3", "threading.Timer(3, os._exit, [1]).start()")
	out, code = p.aweigh(t, "deploy", "--yes", "--trial", "off", "--within", patience, "--soak", "24h")
	wantExit(t, out, code, 1, "ROLLED BACK", "app: restarts: 1 restart since")

	p.writeStack(t, image, "4", "while True print()")
	out, code = p.aweigh(t, "deploy", "--yes", "--trial", "none", "app")
	wantExit(t, out, code, 2, "nothing was done", "app: syntax: /usr/bin/python3 -c … /app.py: exit status 1", "SyntaxError")

	if got := p.orders(t); got != "3" {
		t.Errorf("%s orders, want 3", got)
	}
	if p.runs(t, "db", "{{.ID}}") != db {
		t.Error("the database was made anew")
	}
	if logs := strings.Join(p.docker(t, "logs", p.runs(t, "app", "{{.ID}}")), " "); !strings.Contains(logs, "release 2") {
		t.Errorf("another release runs: %s", logs)
	}
}
