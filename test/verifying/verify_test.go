package verifying_test

import (
	"encoding/json"
	"encoding/xml"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aweigh/aweigh/internal/verify"
)

// patience is for a machine that has more to do.
const patience = "2m"

// verified runs verify, and returns its checks by name.
func (p *project) verified(t *testing.T, args ...string) (map[string]verify.Check, int) {
	t.Helper()
	out, code := p.aweigh(t, "verify", append([]string{"--json"}, args...)...)
	var r verify.Report
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	checks := map[string]verify.Check{}
	for _, c := range r.Checks {
		checks[c.Service+" "+c.Name] = c
	}
	return checks, code
}

func wants(t *testing.T, checks map[string]verify.Check, name string, result verify.Result, found string) {
	t.Helper()
	c, ok := checks[name]
	if !ok || c.Result != result || !strings.Contains(c.Found, found) {
		t.Errorf("%s: got %s (expected %q, found %q), want %s with %q", name, c.Result, c.Expected, c.Found, result, found)
	}
}

func TestGoodDeploymentPasses(t *testing.T) {
	t.Parallel()
	p := up(t, `
version: "3"
services:
  web:
    image: IMAGE
    ports: ["8080"]
    labels: {aweigh.probe: "http://:8080/health"}
    depends_on: [migrate]
  migrate:
    image: IMAGE
    command: []
    environment: {MODE: job}
`)
	report := filepath.Join(t.TempDir(), "verify.xml")
	checks, code := p.verified(t, "--within", patience, "--junit", report)
	if code != 0 {
		t.Errorf("exit %d", code)
	}
	for _, name := range []string{"running", "image", "restarts", "start-proven", "endpoint-inside", "endpoint-published", "port-owner", "response-time", "new-errors"} {
		wants(t, checks, "web "+name, verify.Passed, "")
	}
	wants(t, checks, "web healthy", verify.Skipped, "no health check")
	wants(t, checks, "web start-proven", verify.Passed, "no watcher recorded")
	wants(t, checks, "migrate running", verify.Passed, "done with exit status 0")
	text, err := os.ReadFile(report)
	var junit struct {
		Failures int `xml:"failures,attr"`
		Suites   []struct {
			Name string `xml:"name,attr"`
		} `xml:"testsuite"`
	}
	if err != nil || xml.Unmarshal(text, &junit) != nil || junit.Failures != 0 || len(junit.Suites) != 2 {
		t.Errorf("JUnit: %v\n%s", err, text)
	}

	// The start has a line of the user's own, or has not.
	checks, code = p.verified(t, "web", "--log-line", "listening on :8080")
	wants(t, checks, "web start-proven", verify.Passed, "")
	if code != 0 {
		t.Errorf("with its line: exit %d", code)
	}
	checks, code = p.verified(t, "web", "--log-line", "no such line", "--within", "0")
	wants(t, checks, "web start-proven", verify.Failed, "not there")
	if code != 1 {
		t.Errorf("without its line: exit %d", code)
	}
	// Another release is meant than the one that runs.
	p.write(t, `
services:
  web:
    image: NEXT
    ports: ["8080"]
    labels: {aweigh.probe: "http://:8080/health"}
`)
	checks, code = p.verified(t, "--within", patience)
	wants(t, checks, "web image", verify.Failed, image)
	if code != 1 {
		t.Errorf("the wrong image: exit %d", code)
	}
}

func TestLoopFailsWithoutWaitingForTheEnd(t *testing.T) {
	t.Parallel()
	p := up(t, `
version: "3"
services:
  web:
    image: IMAGE
    restart: always
    environment: {MODE: loop}
`)
	// It returns long before that: a test's own deadline says so.
	checks, code := p.verified(t, "--within", "24h")
	if code != 1 {
		t.Errorf("exit %d", code)
	}
	if checks["web restarts"].Result != verify.Failed && checks["web running"].Result != verify.Failed {
		t.Errorf("got %v", checks)
	}
}

func TestServerThatAnswers500Fails(t *testing.T) {
	t.Parallel()
	p := up(t, `
version: "3"
services:
  web:
    image: IMAGE
    ports: ["8080"]
    labels: {aweigh.probe: "http://:8080/health"}
    environment: {MODE: broken}
`)
	checks, code := p.verified(t, "--within", "0")
	if code != 1 {
		t.Errorf("exit %d", code)
	}
	wants(t, checks, "web endpoint-inside", verify.Failed, "500")
	wants(t, checks, "web endpoint-published", verify.Failed, "500")
	wants(t, checks, "web response-time", verify.Skipped, "no good answer")

	out, code := p.aweigh(t, "verify", "--within", "0", "--tap")
	if code != 1 || !strings.HasPrefix(out, "TAP version 14\n") || !strings.Contains(out, "- web endpoint-inside\n  ---\n  result: failed\n") {
		t.Errorf("TAP: exit %d\n%s", code, out)
	}
}

func TestListenerOnLoopbackIsNamed(t *testing.T) {
	t.Parallel()
	p := up(t, `
version: "3"
services:
  web:
    image: IMAGE
    ports: ["8080"]
    environment: {MODE: loopback}
`)
	checks, code := p.verified(t, "--within", "0")
	if code != 1 {
		t.Errorf("exit %d", code)
	}
	wants(t, checks, "web endpoint-published", verify.Failed, "")
	if c := checks["web port-owner"]; c.Result == verify.Failed && !strings.Contains(c.Found, "127.0.0.1") {
		t.Errorf("port-owner: %q", c.Found)
	}
}

func TestServiceThatIsNotThereFails(t *testing.T) {
	t.Parallel()
	p := up(t, "version: \"3\"\nservices:\n  web:\n    image: IMAGE\n")
	p.write(t, "services:\n  web:\n    image: IMAGE\n  api:\n    image: IMAGE\n")
	checks, code := p.verified(t, "api", "--within", "0")
	wants(t, checks, "api running", verify.Failed, "no container")
	if code != 1 {
		t.Errorf("exit %d", code)
	}
	if _, code := p.aweigh(t, "verify", "nosuch"); code != 2 {
		t.Errorf("a service that is in no file: exit %d", code)
	}
}
