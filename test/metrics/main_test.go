// Package metrics_test has a real Prometheus (Debian's) scrape a real `aweigh
// watch`, which watches an engine of test/engine, and asks it each question of
// the Grafana dashboard and of the alert rules.
package metrics_test

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aweigh/aweigh/test/engine"
)

// patience is for a machine that has more to do.
const patience = 90 * time.Second

func need(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err == nil {
		return
	}
	why := program + " is not there: test/setup installs it"
	if os.Getenv("AWEIGH_TEST_ALL") != "" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// eventually waits until something holds that nobody tells us of.
func eventually(t *testing.T, what func() string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", patience, what())
		}
	}
}

var built struct {
	sync.Once
	path string
	err  error
}

// aweigh is the program under test.
func aweigh(t *testing.T) string {
	t.Helper()
	built.Do(func() {
		dir, err := os.MkdirTemp("", "aweigh-metrics-")
		if err != nil {
			built.err = err
			return
		}
		built.path = filepath.Join(dir, "aweigh")
		cmd := exec.Command("go", "build", "-o", built.path, "github.com/aweigh/aweigh/cmd/aweigh")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			built.err = fmt.Errorf("%w\n%s", err, out)
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return built.path
}

func TestMain(m *testing.M) {
	code := m.Run()
	if built.path != "" {
		os.RemoveAll(filepath.Dir(built.path))
	}
	os.Exit(code)
}

// free is a port that nobody listens on.
func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// run starts a program, and ends it with the test.
func run(t *testing.T, dir, program string, args ...string) {
	t.Helper()
	var said bytes.Buffer
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &said, &said
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		timer := time.AfterFunc(20*time.Second, func() { cmd.Process.Kill() })
		cmd.Wait()
		timer.Stop()
		if t.Failed() {
			t.Logf("%s said:\n%s", filepath.Base(program), said.String())
		}
	})
}

// watcher starts `aweigh watch` on a state directory, with an aweigh.yaml, and
// returns its address.
func watcher(t *testing.T, state string, e *engine.Engine, config string) string {
	t.Helper()
	addr := free(t)
	file := filepath.Join(state, "aweigh.yaml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	host := "none"
	if e != nil {
		host = e.Host()
	}
	run(t, state, aweigh(t), "watch", "--config", file, "--state", state, "--docker", host, "--listen", addr)
	eventually(t, func() string { return "the watcher answers" }, func() bool { return answers("http://" + addr + "/health") })
	return addr
}

func answers(url string) bool {
	resp, err := http.Get(url)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// shortDir is a directory whose path leaves room for a socket's.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "awm")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// prometheus starts one that scrapes the watcher and reads our rules.
func prometheus(t *testing.T, target string, flags ...string) (url string) {
	t.Helper()
	need(t, "prometheus")
	dir, addr := t.TempDir(), free(t)
	rules, err := filepath.Abs("../../packaging/prometheus/aweigh.rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	config := strings.Join([]string{"global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}", "rule_files: [" + rules + "]",
		"scrape_configs: [{job_name: aweigh, static_configs: [{targets: ['" + target + "']}]}]"}, "\n")
	if err := os.WriteFile(filepath.Join(dir, "prometheus.yml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, dir, "prometheus", append([]string{"--config.file=prometheus.yml", "--storage.tsdb.path=data", "--web.listen-address=" + addr}, flags...)...)
	url = "http://" + addr
	eventually(t, func() string { return "Prometheus is ready" }, func() bool { return answers(url + "/-/ready") })
	return url
}
