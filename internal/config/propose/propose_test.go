package propose

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aweigh/aweigh/internal/compose"
	"github.com/aweigh/aweigh/internal/config"
)

const file = `
name: shop
services:
  web:
    image: example/web:1
    ports: ["8080:80"]
    healthcheck: {test: ["CMD", "curl", "-f", "http://localhost:80/health?a=$$b"]}
    restart: always
  api:
    image: example/api
    ports: ["127.0.0.1:9000-9001:9000-9001", "53:53/udp"]
    healthcheck: {test: "wget -qO- http://127.0.0.1:9000/ready || exit 1"}
  db:
    image: postgres
    expose: ["5432"]
    healthcheck: {test: ["CMD-SHELL", "pg_isready -U hunter2"]}
  cache: {image: redis, ports: ["6379"]}
  job: {image: example/job}
  labelled:
    image: x
    labels: {aweigh.probe: "tcp://:1", aweigh.silence: "off"}
    ports: ["1:1"]
  supervised:
    image: y
    healthcheck: {test: ["CMD", "/aweigh-init", "health"]}
`

func TestInitProposesWhatIsKnown(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "compose.yaml"), []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	services, err := FromCompose(t.Context(), compose.Choice{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	services = Merge(services, []Service{
		{Service: "cache", HealthTest: []string{"CMD-SHELL", "nc -z localhost 6379"}},
		{Service: "stray", Image: "z", Ports: []Port{{Container: 7000, Protocol: "udp"}, {Container: 7001}, {Container: 7002, Published: true}}},
		{Service: "worker", Image: "z", Ports: []Port{{Container: 7003}}},
	})
	path := filepath.Join(dir, "aweigh.yaml")
	if err := Init(path, services); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(path)
	if err != nil {
		t.Fatalf("what was written is not valid: %v", err)
	}
	for service, want := range map[string]string{
		"web": "http://:80/health?a=$b", "api": "http://:9000/ready", "db": "", "cache": "tcp://:6379", "job": "", "labelled": "",
		"supervised": "", "stray": "tcp://:7002", "worker": "", // an image may expose a port that a worker made of it never opens
	} {
		if s, _ := c.For(service, nil); s.Probe != want {
			t.Errorf("%s: got %q, want %q", service, s.Probe, want)
		}
	}
	written, _ := os.ReadFile(path)
	for _, want := range []string{"\n  web:  # example/web:1\n    # What its health check asks.\n", "\n    # probe: tcp://:5432\n", "# ignore: true",
		"# Its labels say more, and count more: aweigh.probe, aweigh.silence\n", "# aweigh-init in the container proves its starts"} {
		if !strings.Contains(string(written), want) {
			t.Errorf("%q is missing in\n%s", want, written)
		}
	}
	if strings.Contains(string(written), "hunter2") {
		t.Error("the arguments of a health check were written down")
	}
	if err := Init(path, nil); err == nil || !strings.Contains(err.Error(), "there already") {
		t.Errorf("a second time: %v", err)
	}
	if again, _ := os.ReadFile(path); string(again) != string(written) {
		t.Error("the file was overwritten")
	}
}

func TestABadComposeFileIsToldWithItsName(t *testing.T) {
	path := filepath.Join(t.TempDir(), "compose.yaml")
	if err := os.WriteFile(path, []byte("services:\n  a:\n    imag: x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := FromCompose(t.Context(), compose.Choice{Files: []string{path}}); err == nil || !strings.Contains(err.Error(), "compose.yaml") || !strings.Contains(err.Error(), "imag") {
		t.Errorf("got %v", err)
	}
}

// Whatever a container is called and says, the file is valid and says nothing
// else.
func FuzzText(f *testing.F) {
	f.Add("web", "example/web:1", "curl -f http://localhost:80/", "aweigh.probe", 80)
	f.Add("null", "a\n  evil: {ignore: true}", "x\ny", "aweigh.\nz", 0)
	f.Add("a*", "", "", "", -1)
	f.Add("<<", "\u2028x: y", "wget http://localhost/$a", "aweigh.x", 70000)
	f.Fuzz(func(t *testing.T, name, image, test, label string, port int) {
		s := Service{Service: name, Image: image, HealthTest: []string{"CMD-SHELL", test}, Labels: map[string]string{label: "x"}, Ports: []Port{{Container: port}}}
		c, err := config.Parse("aweigh.yaml", Text([]Service{s}))
		if err != nil {
			if strings.TrimSpace(name) == "" {
				return // no service has such a name
			}
			t.Fatalf("%v\n%s", err, Text([]Service{s}))
		}
		if n := len(c.Services()); n > 1 {
			t.Fatalf("%d services", n)
		}
		if settings, _ := c.For("other", nil); settings.Ignore || settings.Probe != "" {
			t.Fatalf("it is about others as well: %+v", settings)
		}
		if want, ok := config.ProbeFromHealthcheck(s.HealthTest); ok && label != "aweigh.probe" && name != "" && strings.ToValidUTF8(name, "") == name {
			if got, _ := c.For(name, nil); got.Probe != want {
				t.Fatalf("got %q, want %q\n%s", got.Probe, want, Text([]Service{s}))
			}
		}
	})
}
