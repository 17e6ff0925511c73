package browsing_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// shop is a compose project; HANG is the phase in which the basket hangs, if it does.
const shop = `version: "3"
services:
  stock: {image: IMAGE, command: [/orders]}
  basket:
    image: IMAGE
    command: [/orders]
    environment: {HANG: "PHASE"}
    depends_on: [stock]
`

// project is the name of that project on the engine.
const project = prefix + "store"

// deploy deploys the project for real: a release that is good, and one that hangs and
// is rolled back. Without docker-compose there is none.
func (s *scene) deploy() {
	s.t.Helper()
	if _, err := exec.LookPath("docker-compose"); err != nil {
		return
	}
	person := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer person.Close()
	for _, release := range []struct {
		phase string
		exit  int
	}{{"", 0}, {"migrations", 1}} {
		file := filepath.Join(s.dir, "compose.yaml")
		text := strings.NewReplacer("IMAGE", image, "PHASE", release.phase).Replace(shop)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			s.t.Fatal(err)
		}
		cmd := exec.Command(filepath.Join(bin, "aweigh"), "deploy", "--yes", "--file", file, "--project-name", project, "--config", filepath.Join(s.dir, "aweigh.yaml"),
			"--state", filepath.Join(s.dir, "state"), "--notify", "webhook+"+person.URL, "--trial", "off", "--soak", "0", "--within", map[int]string{0: "2m", 1: "15s"}[release.exit])
		out, _ := cmd.CombinedOutput()
		if code := cmd.ProcessState.ExitCode(); code != release.exit {
			s.t.Fatalf("deploy: exit %d, want %d: %s", code, release.exit, out)
		}
	}
}

// undeploy removes what deploy has left on the engine.
func undeploy() {
	list := func(args ...string) []string {
		out, _ := exec.Command("docker", args...).Output()
		return strings.Fields(string(out))
	}
	of := "label=com.docker.compose.project=" + project
	for _, id := range list("ps", "--all", "--quiet", "--filter", of) {
		exec.Command("docker", "rm", "--force", "--volumes", id).Run()
	}
	for _, id := range list("network", "ls", "--quiet", "--filter", of) {
		exec.Command("docker", "network", "rm", id).Run()
	}
	for _, name := range list("images", "--format", "{{.Repository}}:{{.Tag}}", "aweigh-rollback/"+project+"-*") {
		exec.Command("docker", "rmi", name).Run()
	}
}

// A deployment is on the page of each service that it was of, counts once, and is
// found by its steps.
func TestADeploymentIsOnThePagesOfItsServices(t *testing.T) {
	s := stage.on(t)
	if _, err := exec.LookPath("docker-compose"); err != nil {
		missing(t, "there is no docker-compose")
	}
	b := open(t, desk)
	for service, want := range map[string]struct{ outcomes, state, kept string }{"basket": {"rolled-back deployed", "broken", "50 %"}, "stock": {"deployed", "kept", "100 %"}} {
		b.goTo(fmt.Sprintf("%s/services/%s?project=%s", s.url, service, project))
		outcomes := eval[[]string](b, `[...document.querySelectorAll("#deployments tr")].map(r => r.querySelector(".word").textContent)`)
		if strings.Join(outcomes, " ") != want.outcomes {
			t.Errorf("%s: deployments %q", service, outcomes)
		}
		row := func(promise string) string {
			return eval[string](b, fmt.Sprintf(`[...document.querySelectorAll("#objectives tr")].find(r => r.textContent.includes(%q)).textContent`, promise))
		}
		if said := row("of deployments are ready"); !strings.Contains(said, want.state) || !strings.Contains(said, want.kept) {
			t.Errorf("%s: %s", service, said)
		}
		// aweigh deploy itself has told of both.
		if said := row("a person hears of"); !strings.Contains(said, "kept") {
			t.Errorf("%s: %s", service, said)
		}
		b.sound(service)
	}
	b.goTo(fmt.Sprintf("%s/services/basket?project=%s", s.url, project))
	b.do(click("#deployments a"), ready("main section[id]"))
	if at := eval[string](b, `document.querySelector("section:target").textContent`); !strings.Contains(at, "rolled-back") || !strings.Contains(at, "verify of") {
		t.Errorf("it leads to %s", at)
	}
	b.quiet()
}
