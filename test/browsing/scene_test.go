package browsing_test

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/aweigh/aweigh"
)

// scene is a watcher and the containers that it sees. Those of others on this
// engine are left alone.
type scene struct {
	mu   sync.Mutex
	t    *testing.T // the one that runs
	set  bool
	dir  string
	url  string
	cmd  *exec.Cmd
	said bytes.Buffer
}

// stage is the scene of all tests: to set it takes some seconds.
var stage scene

const (
	image  = "aweigh-browsing"
	prefix = "aweigh-browsing-"
)

// actors are the services on the stage.
var actors = []string{"checkout", "pricing", "mailer", "import", "ticker", "orders", "invoices", "stock", "basket"}

// on sets the stage unless it is set.
func (s *scene) on(t *testing.T) *scene {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.t = t
	if s.set {
		return s
	}
	if out, err := exec.Command("docker", "version").CombinedOutput(); err != nil {
		missing(t, "no Docker Engine answers: "+string(out))
	}
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		missing(t, "there is no busybox (package busybox-static)")
	}
	s.sweep()
	if s.dir, err = os.MkdirTemp("/tmp", prefix); err != nil {
		t.Fatal(err)
	}
	s.load(busybox)
	s.watch()
	s.play()
	s.set = true
	return s
}

// load makes the image.
func (s *scene) load(busybox string) {
	s.t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for name, from := range map[string]string{"bin/busybox": busybox, "aweigh-init": filepath.Join(bin, "aweigh-init"), "orders": filepath.Join(bin, "orders")} {
		content, err := os.ReadFile(from)
		if err != nil {
			s.t.Fatal(err)
		}
		w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o755, Size: int64(len(content))})
		w.Write(content)
	}
	for _, name := range strings.Fields("sh echo sleep httpd printf seq cat test") {
		w.WriteHeader(&tar.Header{Name: "bin/" + name, Typeflag: tar.TypeSymlink, Linkname: "/bin/busybox"})
	}
	if err := w.Close(); err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.Command("docker", "import", "-", image)
	cmd.Stdin = &b
	if out, err := cmd.CombinedOutput(); err != nil {
		s.t.Fatalf("docker import: %v: %s", err, out)
	}
}

// watch starts the watcher, which leaves all but the actors alone.
func (s *scene) watch() {
	s.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	listen := l.Addr().String()
	l.Close()
	config := "services:\n  \"*\": {ignore: true}\n"
	for _, name := range actors {
		config += "  " + name + ": {ignore: false, startup_timeout: 40s"
		if name == "stock" || name == "basket" {
			config += ", probe: \"http://:8080/health\""
		}
		config += "}\n"
	}
	if err := os.WriteFile(filepath.Join(s.dir, "aweigh.yaml"), []byte(config), 0o600); err != nil {
		s.t.Fatal(err)
	}
	s.cmd = exec.Command(filepath.Join(bin, "aweigh"), "watch", "--state", filepath.Join(s.dir, "state"), "--listen", listen)
	s.cmd.Dir, s.cmd.Env = s.dir, append(os.Environ(), "AWEIGH_HOST=shop-1")
	s.cmd.Stdout, s.cmd.Stderr = &s.said, &s.said
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.url = "http://" + listen
	eventually(s.t, "the watcher answers", func() bool {
		answer, err := http.Get(s.url + "/health")
		if err == nil {
			answer.Body.Close()
		}
		return err == nil
	})
}

// run starts a container; the script is its command.
func (s *scene) run(name, script string, options ...string) {
	s.t.Helper()
	args := append([]string{"run", "--detach", "--name", prefix + name, "--stop-timeout", "1",
		"--label", "com.docker.compose.project=shop", "--label", "com.docker.compose.service=" + name}, options...)
	s.docker(append(args, image, "/bin/sh", "-c", script)...)
}

// supervise starts a container with aweigh-init as its first process, and its
// records on a volume.
func (s *scene) supervise(name string, command []string, options ...string) {
	s.t.Helper()
	args := append([]string{"run", "--detach", "--name", prefix + name, "--stop-timeout", "1", "--entrypoint", "/aweigh-init",
		"--label", "com.docker.compose.project=shop", "--label", "com.docker.compose.service=" + name,
		"--env", "AWEIGH_SERVICE=" + name, "--volume", filepath.Join(s.dir, "records", name) + ":/var/lib/aweigh"}, options...)
	s.docker(append(append(args, image, "--probe", "http://:8080/health", "--"), command...)...)
}

func (s *scene) docker(args ...string) {
	s.t.Helper()
	if out, err := exec.Command("docker", args...).CombinedOutput(); err != nil {
		s.t.Fatalf("docker %s: %v: %s", strings.Join(args, " "), err, out)
	}
}

const (
	serves = "echo reading configuration; echo connecting to db:5432; echo 42 signals loaded; echo listening on 8080; exec httpd -f -p 8080"
	fails  = "echo reading configuration; echo connecting to db:5432; sleep 0.3; echo 'FATAL: no route to db:5432' >&2; exit 1"
	// Names of files and lines in a log are written by anybody.
	attack = `printf '<script>alert(1)</script>\n<img src=x onerror=alert(2)>\n\033[31mred\033[0m \033]0;title\007\n'; exec httpd -f -p 8080`
)

// play lets the actors come and go, and waits until the watcher knows all of it.
func (s *scene) play() {
	s.t.Helper()
	s.run("pricing", serves, "--expose", "8080")
	s.run("ticker", attack, "--expose", "8080")
	s.run("mailer", "echo nothing to listen on; exec sleep 1000")
	s.supervise("orders", []string{"/orders"})
	s.supervise("invoices", []string{"/orders"})
	for range 3 {
		s.ready("pricing")
		s.docker("restart", prefix+"pricing")
	}
	s.run("checkout", serves, "--expose", "8080")
	s.ready("checkout")
	s.docker("rm", "--force", prefix+"checkout")
	s.run("checkout", fails, "--expose", "8080", "--restart", "always")
	eventually(s.t, "an incident of checkout", func() bool {
		var page struct{ Incidents []aweigh.Incident }
		s.ask("/api/v1/incidents?open=true&service=checkout", &page)
		return len(page.Incidents) > 0
	})
	s.ready("pricing")
	s.ready("orders")
	s.ready("invoices")
	s.docker("rm", "--force", prefix+"invoices")
	s.supervise("invoices", []string{"/orders"}, "--env", "HANG=migrations", "--env", "AWEIGH_STARTUP_TIMEOUT=4s")
	s.deploy()
	eventually(s.t, "invoices has timed out", func() bool { return s.newest("invoices").Verdict == aweigh.TimedOut })
}

// ready waits until the newest start of a service is proven.
func (s *scene) ready(service string) aweigh.Start {
	s.t.Helper()
	var one aweigh.Start
	eventually(s.t, service+" is ready", func() bool {
		one = s.newest(service)
		return one.Verdict == aweigh.Ready && one.Run != nil && one.Run.End == ""
	})
	return one
}

func (s *scene) newest(service string) aweigh.Start {
	var page struct{ Starts []aweigh.Start }
	s.ask("/api/v1/starts?limit=1&service="+service, &page)
	if len(page.Starts) == 0 {
		return aweigh.Start{}
	}
	return page.Starts[0]
}

// ask reads JSON; no answer is an empty one.
func (s *scene) ask(path string, into any) {
	answer, err := http.Get(s.url + path)
	if err != nil {
		return
	}
	defer answer.Body.Close()
	b, _ := io.ReadAll(answer.Body)
	json.Unmarshal(b, into)
}

func (s *scene) sweep() {
	for _, name := range actors {
		exec.Command("docker", "rm", "--force", "--volumes", prefix+name).Run()
	}
	undeploy()
}

func (s *scene) close() {
	if s.cmd != nil {
		s.cmd.Process.Signal(syscall.SIGTERM)
		s.cmd.Wait()
		if text := s.said.String(); strings.Contains(text, "panic") {
			fmt.Fprintln(os.Stderr, text)
		}
	}
	s.sweep()
	if s.dir != "" {
		os.RemoveAll(s.dir)
		exec.Command("docker", "rmi", image).Run()
	}
}
