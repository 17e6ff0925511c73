package compose

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// docker-compose 1.29 says of a file with a name: 'name' does not match any of the
// regexes: '^x-'.
func TestOldComposeGetsNoName(t *testing.T) {
	dir := t.TempDir()
	plain, with := filepath.Join(dir, "a.yaml"), filepath.Join(dir, "b.yaml")
	for path, text := range map[string]string{plain: "services:\n  name: {image: x}\n", with: "# shop\nname: shop\nservices:\n  web:\n    container_name: web\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	files, base, clean, err := forOld([]string{plain, with})
	if err != nil || len(files) != 2 || files[0] != plain || base != dir {
		t.Fatalf("got %v, %q, %v", files, base, err)
	}
	text, err := os.ReadFile(files[1])
	if want := "# shop\n# name\nservices:\n  web:\n    container_name: web\n"; err != nil || string(text) != want {
		t.Errorf("%v: got %q", err, text)
	}
	clean()
	if _, err := os.Stat(files[1]); err == nil {
		t.Error("the copy was left")
	}
	if _, base, _, err := forOld([]string{plain}); err != nil || base != "" {
		t.Errorf("%q, %v", base, err)
	}
}

func TestToolIsCalledWithAList(t *testing.T) {
	old := &Tool{command: []string{"docker-compose"}, Version: "1.29.2"}
	got := old.words(Choice{Files: []string{"a b.yaml", "$(c).yaml"}, Name: "shop", EnvFiles: []string{".env"}}, "/srv", []string{"up"})
	want := []string{"docker-compose", "--file", "a b.yaml", "--file", "$(c).yaml", "--env-file", ".env", "--project-name", "shop", "--project-directory", "/srv", "--no-ansi", "up"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if said := lastWords("one\r\ntwo\n" + strings.Repeat("x", 2*maxSaid)); len(said) > maxSaid+10 || strings.ContainsAny(said, "\r\n") {
		t.Errorf("got %q", said)
	}
}

// `docker compose` is docker, which has started the plugin. After a Ctrl-C only docker
// was told to end: the plugin went on making containers, beside the way back.
func TestAllOfComposeIsEndedWithItsCall(t *testing.T) {
	dir := t.TempDir()
	plugin, docker := filepath.Join(dir, "plugin"), filepath.Join(dir, "docker")
	if err := errors.Join(
		os.WriteFile(plugin, []byte("#!/bin/sh\nexec 9>"+dir+"/held; flock 9; echo begun >"+dir+"/begun; exec sleep 1000\n"), 0o700),
		os.WriteFile(docker, []byte("#!/bin/sh\n"+plugin+"; true\n"), 0o700),
		syscall.Mkfifo(dir+"/begun", 0o600)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		os.ReadFile(dir + "/begun")
		cancel()
	}()
	began := time.Now()
	err := (&Tool{command: []string{docker}}).Run(ctx, Choice{Dir: dir}, nil, "up")
	if err == nil || time.Since(began) > 15*time.Second {
		t.Errorf("after %s: %v", time.Since(began), err)
	}
	if err := exec.Command("flock", "--wait", "5", dir+"/held", "true").Run(); err != nil {
		t.Errorf("it still runs: %v", err)
	}
}

// A deployment was killed with -9, and aborted. The Compose that it had called was still at
// it, and made new containers beside those that had been brought back.
func TestComposeEndsWithWhoeverCalledIt(t *testing.T) {
	const called = "AWEIGH_TEST_CALLS_COMPOSE"
	if dir := os.Getenv(called); dir != "" {
		(&Tool{command: []string{filepath.Join(dir, "docker")}}).Run(t.Context(), Choice{Dir: dir}, nil, "up")
		return
	}
	dir := t.TempDir()
	script := "#!/bin/sh\nexec 9>" + dir + "/held; flock 9; echo begun >" + dir + "/begun; exec sleep 1000\n"
	if err := errors.Join(os.WriteFile(filepath.Join(dir, "docker"), []byte(script), 0o700), syscall.Mkfifo(dir+"/begun", 0o600)); err != nil {
		t.Fatal(err)
	}
	caller := exec.Command(os.Args[0], "-test.run", t.Name())
	caller.Env = append(os.Environ(), called+"="+dir)
	if err := caller.Start(); err != nil {
		t.Fatal(err)
	}
	os.ReadFile(dir + "/begun")
	caller.Process.Kill()
	caller.Wait()
	if err := exec.Command("flock", "--wait", "5", dir+"/held", "true").Run(); err != nil {
		t.Errorf("it still runs: %v", err)
	}
}

// Compose went to the engine of the current Docker context, where another one than the local
// one was chosen: what was recorded, verified and rolled back was on the local one.
func TestComposeSpeaksToTheEngineThatIsLookedAt(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "docker"), []byte("#!/bin/sh\necho \"$DOCKER_HOST\"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ host, environment, want string }{
		{"", "", "unix:///var/run/docker.sock"},
		{"", "tcp://192.0.2.1:2375", "tcp://192.0.2.1:2375"},
		{"ssh://staging", "tcp://192.0.2.1:2375", "ssh://staging"},
	} {
		t.Setenv("DOCKER_HOST", c.environment)
		var said strings.Builder
		if err := (&Tool{command: []string{filepath.Join(dir, "docker")}, Host: c.host}).Run(t.Context(), Choice{Dir: dir}, &said, "up"); err != nil || said.String() != c.want+"\n" {
			t.Errorf("%+v: got %q, %v", c, said.String(), err)
		}
	}
}
