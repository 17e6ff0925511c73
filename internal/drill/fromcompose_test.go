package drill

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aweigh/aweigh/internal/compose"
)

func fromFile(t *testing.T, text, name string) (*Service, error) {
	t.Helper()
	dir := t.TempDir()
	for file, content := range map[string]string{"compose.yaml": text, "app.env": "FROM_FILE=1\n", "app.conf": "x"} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return FromCompose(t.Context(), nil, compose.Choice{Dir: dir}, name)
}

func TestACopyHasWhatTheServiceHasAndSharesNothingThatCanBeWritten(t *testing.T) {
	s, err := fromFile(t, `
services:
  web:
    image: web:1
    command: ["serve", "--port", "80"]
    env_file: app.env
    environment: {MODE: drill}
    restart: unless-stopped
    ports: ["18080:80"]
    mem_limit: 64m
    privileged: true
    depends_on: [db]
    labels: {aweigh.probe: "http://:80/health", traefik.enable: "true"}
    volumes:
      - data:/data
      - ./uploads:/uploads
      - ./app.conf:/etc/app.conf
      - /dev/null:/dev/other
  db:
    image: db:1
    volumes: ["data:/var/lib/db"]
volumes:
  data: {name: shop-data}
`, "web")
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(s.Config.Env, " "); got != "FROM_FILE=1 MODE=drill" {
		t.Errorf("environment %q", got)
	}
	if len(s.Labels) != 1 || s.Labels["aweigh.probe"] == "" || len(s.Config.Labels) > 0 {
		t.Errorf("labels %v and %v: others' labels on a copy would have others act on it", s.Labels, s.Config.Labels)
	}
	if !slices.Equal(s.Volumes, []string{"/data", "/uploads"}) || s.Sources["/data"].volume != "shop-data" {
		t.Errorf("volumes %v from %v", s.Volumes, s.Sources)
	}
	if len(s.Host.Mounts) != 1 || !s.Host.Mounts[0].ReadOnly || s.Host.Mounts[0].Target != "/etc/app.conf" {
		t.Errorf("mounts %+v", s.Host.Mounts)
	}
	if s.Published[18080] != 80 || len(s.Host.PortBindings) > 0 || s.Host.Privileged || s.Host.Memory != 64<<20 {
		t.Errorf("published %v, host %+v", s.Published, s.Host)
	}
	if len(s.Dependencies) != 1 || s.Dependencies[0].Image != "db:1" || !s.restarts() {
		t.Errorf("dependencies %+v", s.Dependencies)
	}
	notes := strings.Join(s.Notes, "\n")
	for _, want := range []string{"privileged", "/etc/app.conf", "/dev/other"} {
		if !strings.Contains(notes, want) {
			t.Errorf("nothing is said of %s in: %s", want, notes)
		}
	}
}

func TestTheRestartPolicyMayStandBelowDeploy(t *testing.T) {
	for text, want := range map[string]string{
		"restart: always": "always 0",
		"deploy: {restart_policy: {condition: any}}":                         "always 0",
		"restart: always, deploy: {restart_policy: {condition: none}}":       "no 0",
		"deploy: {restart_policy: {condition: on-failure, max_attempts: 3}}": "on-failure 3",
	} {
		s, err := fromFile(t, "services: {a: {image: x, "+text+"}}\n", "a")
		if err != nil {
			t.Fatal(err)
		}
		if p := s.Host.RestartPolicy; fmt.Sprint(p.Name, " ", p.MaximumRetryCount) != want {
			t.Errorf("%s: %+v", text, p)
		}
	}
}

// To connect to a socket needs no mount that can be written.
func TestACopyReachesNoSocketByADirectoryOfTheHost(t *testing.T) {
	dir := t.TempDir()
	l, err := net.Listen("unix", filepath.Join(dir, "db.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := &Service{}
	for _, from := range []string{"/", "/var/run", "/run", dir, t.TempDir()} {
		s.bound(from, from, true)
	}
	if len(s.Host.Mounts) != 1 || len(s.Notes) != 4 {
		t.Errorf("mounted: %+v; left out: %q", s.Host.Mounts, s.Notes)
	}
}

func TestWhichServiceIsMeantMustBeSaidWhereThereAreSeveral(t *testing.T) {
	const two = "services: {a: {image: x}, b: {image: y}}\n"
	if _, err := fromFile(t, two, ""); err == nil || !strings.Contains(err.Error(), "name one of a, b") {
		t.Errorf("no name: %v", err)
	}
	if _, err := fromFile(t, two, "c"); err == nil || !strings.Contains(err.Error(), `no service "c"`) {
		t.Errorf("a name that is none: %v", err)
	}
	if s, err := fromFile(t, "services: {a: {image: x}}\n", ""); err != nil || s.Name != "a" {
		t.Errorf("the only one: %+v, %v", s, err)
	}
}

func TestAnImageNamesItsService(t *testing.T) {
	for image, want := range map[string]string{"nginx": "nginx", "registry.example:5000/shop/web:1.2": "web", "web@sha256:abc": "web"} {
		if s := FromImage(image, nil); s.Name != want || !s.restarts() {
			t.Errorf("%s: %q", image, s.Name)
		}
	}
}
