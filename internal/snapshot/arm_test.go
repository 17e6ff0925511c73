package snapshot

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestArmLeavesAloneWhatTheUserSet(t *testing.T) {
	armed, cleanup, _ := Arm([]string{"python3", "app.py"}, []string{"PYTHONFAULTHANDLER=", "A=b"}, nil)
	defer cleanup()
	if v, ok := lookup(armed, "PYTHONFAULTHANDLER"); v != "" || !ok {
		t.Errorf("PYTHONFAULTHANDLER is %q", v)
	}
	if v, _ := lookup(armed, "PYTHONUNBUFFERED"); v != "1" {
		t.Errorf("PYTHONUNBUFFERED is %q", v)
	}
	if _, ok := lookup(armed, "NODE_OPTIONS"); ok {
		t.Error("Node is prepared for a Python service")
	}
}

func TestArmKeepsTheUsersNodeOptions(t *testing.T) {
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip(err)
	}
	path := "PATH=" + os.Getenv("PATH")
	armed, cleanup, notes := Arm([]string{"node", "app.js"}, []string{path, "NODE_OPTIONS=--max-old-space-size=300"}, nil)
	options, _ := lookup(armed, "NODE_OPTIONS")
	dir, ok := reportDir(options)
	if !strings.HasPrefix(options, "--max-old-space-size=300 --report-on-signal ") || !ok || len(notes) != 1 {
		t.Fatalf("NODE_OPTIONS is %q, notes %v", options, notes)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode() != os.ModeDir|os.ModeSticky|0o733 {
		t.Errorf("%s: %v, %v", dir, info, err)
	}
	cleanup()
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", dir, err)
	}
	armed, cleanup, _ = Arm([]string{"node", "app.js"}, []string{path, "NODE_OPTIONS=--report-uncaught-exception"}, nil)
	defer cleanup()
	if options, _ := lookup(armed, "NODE_OPTIONS"); options != "--report-uncaught-exception" {
		t.Errorf("NODE_OPTIONS is %q", options)
	}
}

// A Node before 12.17 does not start with an option in NODE_OPTIONS that it
// does not know: arming it would take the service down.
func TestArmAsksForTheVersionOfNode(t *testing.T) {
	for name, c := range map[string]struct {
		script string
		armed  bool
	}{
		"old":                   {"echo v10.24.1", false},
		"almost":                {"echo v12.16.3", false},
		"knows":                 {"echo v12.17.0", true},
		"odd":                   {"echo v13.11.0", false},
		"broken":                {"exit 1", false},
		"strange":               {"echo iojs", false},
		"hangs":                 {"exec sleep 1000", false},
		"inherits NODE_OPTIONS": {`[ -z "$NODE_OPTIONS" ] && echo v20.1.0`, true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "node"), []byte("#!/bin/sh\n"+c.script+"\n"), 0o755); err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			armed, cleanup, notes := Arm([]string{"npm", "start"}, []string{"PATH=" + dir + ":/usr/bin:/bin", "NODE_OPTIONS=--x"}, nil)
			defer cleanup()
			options, _ := lookup(armed, "NODE_OPTIONS")
			if got := strings.Contains(options, "--report-on-signal"); got != c.armed || len(notes) != 1 {
				t.Errorf("armed %v, notes %v", got, notes)
			}
			if took := time.Since(began); took > 2*time.Second {
				t.Errorf("it took %s", took)
			}
		})
	}
}

func TestArmStartsNodeByTheStarterItIsGiven(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "node"), []byte("#!/bin/sh\necho v20.1.0\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	var started []string
	start := func(argv []string, attr *os.ProcAttr) (int, func() (syscall.WaitStatus, error), error) {
		started = argv
		return startProcess(argv, attr)
	}
	_, cleanup, _ := Arm([]string{"node"}, []string{"PATH=" + dir}, start)
	cleanup()
	if len(started) != 2 || started[1] != "--version" {
		t.Errorf("started %v", started)
	}
}

func TestLooksLikeNode(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
		return path
	}
	nodeScript := file("cli", "#!/usr/bin/env node\nrequire('x')\n")
	shell := file("start.sh", "#!/bin/sh\n# starts the node\nset -e\nexec node server.js\n")
	comment := file("other.sh", "#!/bin/sh\n# not node\nexec ./app\n")
	python := file("app.py", "#!/usr/bin/env python3\nnode = 3\n")
	for _, c := range []struct {
		argv []string
		want bool
	}{
		{[]string{"node", "app.js"}, true},
		{[]string{"/usr/local/bin/node", "app.js"}, true},
		{[]string{"npm", "run", "start"}, true},
		{[]string{"sh", "-c", "cd /app && exec node app.js"}, true},
		{[]string{"sh", "-c", `"/opt/node/bin/node" app.js;true`}, true},
		{[]string{"docker-entrypoint.sh", "node", "app.js"}, true},
		{[]string{"tini", "--", "yarn", "start"}, true},
		{[]string{nodeScript}, true},
		{[]string{shell}, true},
		{[]string{"sh", shell}, true},
		{[]string{comment}, false},
		{[]string{python}, false},
		{[]string{"python3", python}, false},
		{[]string{"./app", "--node", "3"}, false},
		{[]string{"./node_exporter"}, false},
		{[]string{"bash", "-c", ". ~/.nvm/nvm.sh && nvm use 10 && node app.js"}, false},
		{nil, false},
	} {
		if got := looksLikeNode(c.argv, []string{"PATH=/usr/bin:/bin"}); got != c.want {
			t.Errorf("%q: %v, want %v", c.argv, got, c.want)
		}
	}
}

func TestMaskArgs(t *testing.T) {
	for args, want := range map[string]string{
		"app|--password=x|--port=80":                              "app|--password=***|--port=80",
		"app|--password|x|y":                                      "app|--password|***|y",
		"app|--api-key|x|--verbose":                               "app|--api-key|***|--verbose",
		"env|DB_PASSWORD=x|app":                                   "env|DB_PASSWORD=***|app",
		"app|postgres://u:p@db:5432/x?sslmode=off&password=q":     "app|postgres://***@db:5432/x?sslmode=off&password=***",
		"app|--dsn=https://u:p@h/":                                "app|--dsn=***",
		"app|--db=https://u:p@h/":                                 "app|--db=https://***@h/",
		"mysql|-psecret|-u|root":                                  "mysql|-p***|-u|root",
		"mkdir|-p|dir":                                            "mkdir|-p|dir",
		"sh|-c|TOKEN=x exec app --secret y && curl http://a:b@c/": "sh|-c|TOKEN=*** exec app --secret *** && curl http://***@c/",
		"curl|-H|Authorization: Bearer abc|http://h/":             "curl|-H|Authorization: *** ***|http://h/",
		"python3|-c|import time; time.sleep(1)":                   "python3|-c|import time; time.sleep(1)",
		"app|--db=Host=db;Username=app;Password=x;Timeout=3":      "app|--db=Host=db;Username=app;Password=***;Timeout=3",
		"java|jdbc:sqlserver://db:1433;user=sa;password=x":        "java|jdbc:sqlserver://db:1433;user=sa;password=***",
		"app|https://u:p;q@db/":                                   "app|https://***@db/",
		"":                                                        "",
	} {
		if got := strings.Join(MaskArgs(strings.Split(args, "|")), "|"); got != want {
			t.Errorf("%s\n got %s\nwant %s", args, got, want)
		}
	}
}

// The value of DATABASE_URL is searched for in all that is told, and its password was
// taken to end at the first @, which clients read as part of it.
func TestThePasswordOfALinkIsFoundWhole(t *testing.T) {
	for link, want := range map[string]string{
		"postgres://app:secret@db/x":        "secret",
		"postgres://app:p@ssword@db:5432/x": "p@ssword",
		"postgres://db/x?to=a@b":            "",
		"redis://:secret@db":                "secret",
		"/var/lib/app":                      "",
	} {
		if got := passwordOf(link); got != want {
			t.Errorf("%s: %q, want %q", link, got, want)
		}
	}
}

func TestGoIsKnownByItsNote(t *testing.T) {
	for path, want := range map[string]bool{"/proc/self/exe": true, "/bin/sh": false, "/etc/passwd": false} {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := hasGoNote(f); got != want {
			t.Errorf("%s: %v", path, got)
		}
		f.Close()
	}
}

func FuzzGoNote(f *testing.F) {
	exe, err := os.Open("/proc/self/exe")
	if err != nil {
		f.Fatal(err)
	}
	defer exe.Close()
	head, _ := io.ReadAll(io.LimitReader(exe, 4096))
	f.Add(head)
	f.Fuzz(func(t *testing.T, b []byte) {
		hasGoNote(bytes.NewReader(b))
		isGoNote(b)
	})
}

func FuzzReport(f *testing.F) {
	f.Add(`{"header":{"nodejsVersion":"v20.1.0"},"javascriptStack":{"stack":["at f"]},"libuv":[{"type":"tcp","is_active":true,"is_referenced":true,"fd":3,"localEndpoint":{"ip4":"1.2.3.4","port":1},"remoteEndpoint":null},{"type":"timer","firesInMsFromNow":1.5}]}`)
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, s string) {
		path := filepath.Join(dir, "r.json")
		if err := os.WriteFile(path, []byte(s), 0o600); err != nil {
			t.Fatal(err)
		}
		if r, ok := readReport(path); ok {
			r.text(os.Getpid())
		}
	})
}

func TestReportsAreNotReadThroughLinksAndPipes(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/real.json", []byte(`{}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("real.json", dir+"/link.json"); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(dir+"/pipe.json", 0o600); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"real.json": true, "link.json": false, "pipe.json": false} {
		if _, ok := readReport(filepath.Join(dir, name)); ok != want {
			t.Errorf("%s: read %v", name, ok)
		}
	}
}

func TestOpaque(t *testing.T) {
	for value, want := range map[string]bool{"hunter2!": true, "short": false, "/run/secrets/db": false,
		"http://auth:80": false, "10.0.0.5:5432": false, "10.0.0.50": false, "postgres": true} {
		if opaque(value) != want {
			t.Errorf("%s: %v", value, !want)
		}
	}
}
