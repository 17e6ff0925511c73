package verifying_test

import (
	"os/exec"
	"strings"
	"testing"
)

// The engine knows what an image has: the check is not guessed.
func TestLintLooksIntoTheImage(t *testing.T) {
	t.Parallel()
	p := up(t, `
version: "3"
services:
  web:
    image: IMAGE
    ports: ["8080"]
    healthcheck: {test: ["CMD", "curl", "-f", "http://127.0.0.1:8080/"]}
  api:
    image: IMAGE
    healthcheck: {test: ["CMD", "/server", "check"]}
`)
	out, code := p.aweigh(t, "lint")
	if want := "critical: web: the health check needs curl, which the image " + image + " does not have [healthcheck-program]"; code != 1 || !strings.Contains(out, want) {
		t.Errorf("exit %d, and not %q in\n%s", code, want, out)
	}
	if strings.Contains(out, "api: the health check needs") {
		t.Errorf("what is there is missed:\n%s", out)
	}
	if strings.Contains(out, "[port-taken]") {
		t.Errorf("a service's own port is called taken:\n%s", out)
	}
	left, err := exec.Command("docker", "ps", "--all", "--quiet", "--filter", "label=aweigh.internal.look", "--filter", "ancestor="+image).CombinedOutput()
	if err != nil || len(left) > 0 {
		t.Errorf("containers were left: %s %v", left, err)
	}
}
