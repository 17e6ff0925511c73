package deploying_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestResolveRestartsWhatStopped(t *testing.T) {
	t.Parallel()
	p := deployed(t)
	p.docker(t, "stop", "--time", "0", p.runs(t, "web", "{{.ID}}"))
	out, code := p.aweigh(t, "resolve", "web", "--yes", "--within", patience)
	wantExit(t, out, code, 0, "restart helped")
	out, code = p.aweigh(t, "resolve", "web", "--yes")
	wantExit(t, out, code, 0, "is not broken")
}

func TestResolveRecreates(t *testing.T) {
	t.Parallel()
	p := undeployed(t, "")
	p.write(t, first, "BROKEN_FILE: /broken")
	p.first(t)
	web := p.runs(t, "web", "{{.ID}}")
	p.docker(t, "cp", filepath.Join(p.dir, "compose.yaml"), web+":/broken")
	p.docker(t, "restart", "--time", "0", web)
	out, code := p.aweigh(t, "resolve", "web", "--yes", "--within", patience)
	wantExit(t, out, code, 0, "FATAL: /broken is there", "restart did not help", "recreate helped, and web is proven")
	if now := p.runs(t, "web", "{{.ID}}"); now == web || now == "" || p.all(t) != 2 {
		t.Errorf("runs %q, which was %q", now, web)
	}
}

func TestResolveRebuilds(t *testing.T) {
	t.Parallel()
	label := prefix + "-" + strings.ToLower(t.Name())
	t.Cleanup(func() { removeBuilt(t, label) })
	p := undeployed(t, "")
	program, err := os.ReadFile(server)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"context/server":     string(program),
		"context/broken":     "",
		"context/Dockerfile": "FROM scratch\nLABEL made-by=" + label + "\nCOPY . /\nENTRYPOINT [\"/server\"]\n",
		"compose.yaml":       "version: \"3\"\nservices: {web: {build: context, restart: always, environment: {BROKEN_FILE: /broken}, labels: {aweigh.probe: \"http://:8080/health\"}}}\n",
	} {
		p.put(t, name, text)
	}
	p.compose(t, "up", "--detach", "--build")
	if err := os.Remove(filepath.Join(p.dir, "context/broken")); err != nil {
		t.Fatal(err)
	}
	out, code := p.aweigh(t, "resolve", "web", "--yes", "--within", patience)
	wantExit(t, out, code, 0, "restart did not help", "recreate did not help", "rebuild helped, and web is proven")
}

func TestResolveRollsBack(t *testing.T) {
	t.Parallel()
	p := deployed(t)
	p.write(t, second, "BROKEN_FILE: /data/broken")
	data := t.TempDir()
	text, err := os.ReadFile(filepath.Join(p.dir, "compose.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	p.put(t, "compose.yaml", strings.Replace(string(text), "depends_on: [db]", "depends_on: [db]\n    volumes: ["+data+":/data]", 1))
	out, code := p.aweigh(t, "deploy", "--yes", "--trial", "off", "--within", patience)
	wantExit(t, out, code, 0, "new: web")
	if err := os.WriteFile(filepath.Join(data, "broken"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p.docker(t, "restart", "--time", "0", p.runs(t, "web", "{{.ID}}"))
	out, code = p.aweigh(t, "resolve", "web", "--yes", "--within", patience)
	wantExit(t, out, code, 0, "restart did not help", "recreate did not help", "rollback helped, and web is proven")
	p.back(t)
}
