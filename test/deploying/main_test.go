// Package deploying_test runs `aweigh deploy`, `preflight` and `resolve` as their
// users do: the program as it is built, the container engine and the docker-compose
// that are here, and a project of two services whose images are made from nothing.
//
// What is not there is skipped by name, unless AWEIGH_TEST_ALL is set.
package deploying_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aweigh/aweigh/test/dockerd"
	"github.com/aweigh/aweigh/test/image"
)

// prefix begins the names of all that is made on the engine.
var prefix = fmt.Sprintf("aweigh-deploying-%d", os.Getpid())

// The releases of the server; the one that is broken lacks what it starts.
var (
	first  = prefix + ":1"
	second = prefix + ":2"
	broken = prefix + ":broken"
	aweigh string // the program
	server string
	absent string // why there is no engine
)

func TestMain(m *testing.M) {
	flag.Parse()
	// Much of the time is spent waiting for what is to last for a while.
	flag.Set("test.parallel", "5")
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dockerd.Sweep(enginePrefix)
	dir, err := os.MkdirTemp("", prefix)
	if err != nil {
		return complain(err)
	}
	defer os.RemoveAll(dir)
	aweigh, server = filepath.Join(dir, "aweigh"), filepath.Join(dir, "server")
	for _, program := range []string{"docker", "docker-compose"} {
		if _, err := exec.LookPath(program); err != nil {
			absent = program + " is not there: test/setup installs it"
		}
	}
	if out, err := exec.Command("docker", "info").CombinedOutput(); err != nil && absent == "" {
		absent = fmt.Sprintf("no container engine answers: %s", out)
	}
	if absent == "" {
		if err := errors.Join(build(aweigh, "github.com/aweigh/aweigh/cmd/aweigh"), build(server, "./testdata/server")); err != nil {
			return complain(err)
		}
		for name, entry := range map[string]string{first: "/server", second: "/server", broken: "/sever"} {
			if err := makeImage("", name, entry); err != nil {
				return complain(err)
			}
			defer exec.Command("docker", "rmi", "--force", name).Run()
		}
	}
	return m.Run()
}

func build(to, what string) error {
	cmd := exec.Command("go", "build", "-o", to, what)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build %s: %w\n%s", what, err, out)
	}
	return nil
}

// makeImage makes an image of the server, on the engine at host.
func makeImage(host, name, entry string) error {
	l := image.New()
	l.Host = host
	l.File("/server", server)
	return l.Import(name, fmt.Sprintf("ENTRYPOINT [%q]", entry), "LABEL release="+name)
}

// removeBuilt removes the images that were made for a test, by their label: what was
// built of one loses its name to what is built later.
func removeBuilt(t *testing.T, label string) {
	t.Helper()
	left := func() []string {
		return new(project).docker(t, "images", "--quiet", "--filter", "label=made-by="+label)
	}
	for range 2 { // one goes once nothing is built of it any more
		exec.Command("docker", append([]string{"rmi", "--force"}, left()...)...).Run()
	}
	if ids := left(); len(ids) > 0 {
		t.Errorf("images were left: %v", ids)
	}
}

func complain(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// project is a compose project of two services, of which the first release runs.
type project struct {
	dir, name, state string
	host             string // of the engine; "" is that of this machine
	file             string // the compose file, with words in capitals
	port             int
	through          []string // what starts the program, such as unshare
	bridged          bool     // it makes no network: an engine that is killed would leave it behind
}

const file = `
version: "3"
services:
  web:
    image: IMAGE
    restart: always
    ports: ["127.0.0.1:PORT:8080"]
    labels: {aweigh.probe: "http://:8080/health", aweigh.interval: 1s}
    environment: {RELEASE: "IMAGE", SECRET: "hunter2" MORE}
    depends_on: [db]
  db:
    image: FIRST
    restart: always
`

// missing skips a test by name, or fails it where everything must be there.
func missing(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("AWEIGH_TEST_ALL") != "" {
		t.Fatal(why + " (AWEIGH_TEST_ALL is set)")
	}
	t.Skip(why)
}

// undeployed is a project on the engine at host, "" for that of this machine.
func undeployed(t *testing.T, host string) *project {
	t.Helper()
	return undeployedWith(t, host, file, nil)
}

// undeployedWith is one of another compose file, with files beside it. The name of its
// containers, of which the test's is a part, must be one that can be looked up.
func undeployedWith(t *testing.T, host, file string, beside map[string]string) *project {
	t.Helper()
	if absent != "" {
		missing(t, absent)
	}
	p := &project{dir: t.TempDir(), state: t.TempDir(), file: file, port: freePort(t), host: host, name: prefix + "-" + strings.ToLower(path.Base(t.Name()))}
	for name, text := range beside {
		p.put(t, name, text)
	}
	t.Cleanup(func() {
		p.down(t, "compose.yaml")
		for _, tag := range p.docker(t, "images", "--format", "{{.Repository}}:{{.Tag}}", "aweigh-rollback/"+p.name+"-*") {
			p.docker(t, "rmi", tag)
		}
		p.unlocked(t)
	})
	p.write(t, first, "")
	return p
}

// deployed is a project whose first release was deployed.
func deployed(t *testing.T) *project {
	t.Helper()
	return deployedWith(t, file, nil)
}

// deployedWith is one of another compose file, with files beside it.
func deployedWith(t *testing.T, file string, beside map[string]string) *project {
	t.Helper()
	p := undeployedWith(t, "", file, beside)
	p.first(t)
	return p
}

// first deploys what the compose file says, for the first time.
func (p *project) first(t *testing.T) {
	t.Helper()
	if out, code := p.aweigh(t, "deploy", "--yes", "--trial", "off", "--within", patience); code != 0 {
		t.Fatalf("the first deployment: exit %d\n%s", code, out)
	}
}

// compose runs docker-compose on the project.
func (p *project) compose(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.Command("docker-compose", append([]string{"--no-ansi"}, args...)...)
	cmd.Dir, cmd.Env = p.dir, p.environment()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("docker-compose %v: %v: %s", args, err, out)
	}
}

// put writes a file of the project, which may be executed.
func (p *project) put(t *testing.T, name, text string) {
	t.Helper()
	file := filepath.Join(p.dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

// down removes all of the project.
func (p *project) down(t *testing.T, file string) {
	t.Helper()
	p.compose(t, "--file", file, "down", "--timeout", "0", "--volumes", "--remove-orphans")
}

// write writes the compose file of a release, and what else its environment has.
func (p *project) write(t *testing.T, image, more string) {
	t.Helper()
	p.writeTo(t, "compose.yaml", image, more)
}

func (p *project) writeTo(t *testing.T, name, image, more string) {
	t.Helper()
	if more != "" {
		more = ", " + more
	}
	text := strings.NewReplacer("IMAGE", image, "PORT", fmt.Sprint(p.port), "FIRST", first, " MORE", more).Replace(p.file)
	if p.bridged {
		text = strings.ReplaceAll(text, "restart: always", "restart: always\n    network_mode: bridge")
	}
	p.put(t, name, text)
}

// command is a command of the program on the project.
func (p *project) command(command string, args ...string) *exec.Cmd {
	line := slices.Concat(p.through, []string{aweigh, command, "--state", p.state}, args)
	cmd := exec.Command(line[0], line[1:]...)
	cmd.Dir = p.dir
	cmd.Env = p.environment()
	return cmd
}

func (p *project) environment() []string {
	env := append(os.Environ(), "COMPOSE_PROJECT_NAME="+p.name)
	if p.host != "" {
		env = append(env, "DOCKER_HOST="+p.host)
	}
	return env
}

func (p *project) aweigh(t *testing.T, command string, args ...string) (output string, code int) {
	t.Helper()
	cmd := p.command(command, args...)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	t.Logf("%s %s: exit %d\n%s", command, strings.Join(args, " "), cmd.ProcessState.ExitCode(), out)
	for _, kind := range [][]string{{"ps", "--all"}, {"network", "ls"}, {"volume", "ls"}} {
		for _, of := range p.docker(t, append(kind, "--format", `{{.Label "com.docker.compose.project"}}`)...) {
			if strings.HasPrefix(of, fmt.Sprintf("aweigh-preflight-%d-", cmd.Process.Pid)) {
				t.Errorf("the trial has left something behind: docker %s: %s", strings.Join(kind, " "), of)
			}
		}
	}
	if strings.Contains(string(out), "hunter2") {
		t.Errorf("a secret was told: %s", out)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// docker runs docker, and returns the words that it prints.
func (p *project) docker(t *testing.T, args ...string) []string {
	t.Helper()
	cmd := exec.Command("docker", args...)
	cmd.Env = p.environment()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("docker %v: %v: %s", args, err, out)
	}
	return strings.Fields(string(out))
}

// runs are the running containers of a service, each with its image.
func (p *project) runs(t *testing.T, service, format string) string {
	t.Helper()
	return strings.Join(p.docker(t, "ps", "--no-trunc", "--format", format, "--filter", "label=com.docker.compose.project="+p.name, "--filter", "label=com.docker.compose.service="+service), " ")
}

// all are the ids of all its containers.
func (p *project) all(t *testing.T) int {
	t.Helper()
	return len(p.docker(t, "ps", "--all", "--quiet", "--filter", "label=com.docker.compose.project="+p.name))
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// output is what a program has printed so far.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
