// Package verifying_test runs `aweigh verify` and `aweigh lint` as their users
// do: the program as it is built, the container engine that runs here, compose
// projects, and a static server in an image made from nothing.
//
// What is not there is skipped by name, unless AWEIGH_TEST_ALL is set.
package verifying_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// prefix begins the names of all that is made on the engine.
var prefix = fmt.Sprintf("aweigh-verifying-%d", os.Getpid())

// image is the server; nextImage its next release, which differs.
var (
	image     = prefix + ":1"
	nextImage = prefix + ":2"
	aweigh    string // the program
	absent    string // why there is no engine
)

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", prefix)
	if err != nil {
		return complain(err)
	}
	defer os.RemoveAll(dir)
	aweigh = filepath.Join(dir, "aweigh")
	if err := build(aweigh, "github.com/aweigh/aweigh/cmd/aweigh"); err != nil {
		return complain(err)
	}
	for _, program := range []string{"docker", "docker-compose"} {
		if _, err := exec.LookPath(program); err != nil {
			absent = program + " is not there: test/setup installs it"
		}
	}
	if out, err := exec.Command("docker", "info").CombinedOutput(); err != nil && absent == "" {
		absent = fmt.Sprintf("no container engine answers: %s", out)
	}
	if absent == "" {
		server := filepath.Join(dir, "server")
		if err := build(server, "./testdata/server"); err != nil {
			return complain(err)
		}
		for _, name := range []string{image, nextImage} {
			if err := makeImage(name, server); err != nil {
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

func makeImage(name, server string) error {
	content, err := os.ReadFile(server)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.WriteHeader(&tar.Header{Name: "server", Typeflag: tar.TypeReg, Mode: 0o755, Size: int64(len(content))}); err != nil {
		return err
	}
	w.Write(content)
	if err := w.Close(); err != nil {
		return err
	}
	cmd := exec.Command("docker", "import", "--change", "ENTRYPOINT [\"/server\"]", "--change", "LABEL release="+name, "-", name)
	cmd.Stdin = &b
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("docker import: %w: %s", err, out)
	}
	return nil
}

func complain(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// project is a compose project on the engine.
type project struct {
	file, name, state string
}

// up writes a compose file and starts it; all of it is removed in the end.
func up(t *testing.T, text string) *project {
	t.Helper()
	if absent != "" {
		if os.Getenv("AWEIGH_TEST_ALL") != "" {
			t.Fatal(absent + " (AWEIGH_TEST_ALL is set)")
		}
		t.Skip(absent)
	}
	p := &project{file: filepath.Join(t.TempDir(), "compose.yaml"), name: prefix + "-" + strings.ToLower(t.Name()), state: t.TempDir()}
	p.write(t, text)
	t.Cleanup(func() {
		if out, err := p.compose("down", "--timeout", "0", "--volumes", "--remove-orphans"); err != nil {
			t.Errorf("docker-compose down: %v: %s", err, out)
		}
	})
	if out, err := p.compose("up", "--detach", "--no-color"); err != nil {
		t.Fatalf("docker-compose up: %v: %s", err, out)
	}
	return p
}

func (p *project) write(t *testing.T, text string) {
	t.Helper()
	text = strings.NewReplacer("IMAGE", image, "NEXT", nextImage).Replace(text)
	if err := os.WriteFile(p.file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (p *project) compose(args ...string) ([]byte, error) {
	return exec.Command("docker-compose", append([]string{"--file", p.file, "--project-name", p.name, "--no-ansi"}, args...)...).CombinedOutput()
}

// aweigh runs a command of the program on the project.
func (p *project) aweigh(t *testing.T, command string, args ...string) (stdout string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := exec.Command(aweigh, append([]string{command, "-f", p.file, "-p", p.name, "--state", p.state}, args...)...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if errs.Len() > 0 {
		t.Logf("%s: %s", command, errs.String())
	}
	return out.String(), cmd.ProcessState.ExitCode()
}
