package main

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// In a container a healthy answer costs no Go runtime: GODEBUG=inittrace=1 makes
// one that has begun say so. Whatever else is asked or answered goes the usual way.
func TestHealthOfAHealthyContainerNeedsNoRuntime(t *testing.T) {
	own := []string{"unshare", "--fork", "--pid", "--mount-proc", "--kill-child"}
	if out, err := exec.Command(own[0], append(own[1:], "true")...).CombinedOutput(); err != nil {
		t.Skipf("no PID namespace of one's own here: %v %s", err, out)
	}
	dir := t.TempDir()
	bin := filepath.Join(dir, "aweigh-init")
	build := exec.Command("go", "build", "-ldflags", "-E github.com/aweigh/aweigh/internal/verdict/early.entry", "-o", bin, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	self, err := os.Executable()
	if err == nil {
		err = os.Symlink(self, filepath.Join(dir, "server"))
	}
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	l.Close()

	run := exec.Command(own[0], append(own[1:], bin, "run", "--record", dir+"/records", "--service", "web", "--port", port,
		"--probe", "/", "--interval", "50ms", "--retries", "1", "--", "sh", "-eu", "-c", `
			./server http=127.0.0.1:$port wait &
			until ./aweigh-init health; do sleep 0.02; done
			ask() { file=$1; shift; env GODEBUG=inittrace=1 "$@" >$file 2>&1 && echo yes >>$file || echo no >>$file; }
			ask bare     ./aweigh-init health
			ask same     AWEIGH_SERVICE=web AWEIGH_RECORD=$PWD/records AWEIGH_PORT=$port AWEIGH_PROBE=/ AWEIGH_LOG=x ./aweigh-init health
			ask empty    AWEIGH_SERVICE= AWEIGH_RECORD= ./aweigh-init health
			ask flag     ./aweigh-init health --service web
			ask path     AWEIGH_RECORD=records ./aweigh-init health
			ask longer   AWEIGH_SERVICE=website ./aweigh-init health
			ask shorter  AWEIGH_SERVICE=we ./aweigh-init health
			ask place    AWEIGH_RECORD=/elsewhere ./aweigh-init health
			echo 503 >status
			while ./aweigh-init health; do sleep 0.02; done
			ask down     ./aweigh-init health`)...)
	run.Dir, run.Env = dir, append(os.Environ(), "port="+port)
	if out, err := run.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []struct {
		asked          string
		early, healthy bool
	}{
		{"bare", true, true}, {"same", true, true}, {"empty", true, true},
		{"flag", false, true}, {"path", false, true},
		{"longer", false, false}, {"shorter", false, false}, {"place", false, false}, {"down", false, false},
	} {
		b, _ := os.ReadFile(filepath.Join(dir, want.asked))
		said := string(b)
		if early := !strings.Contains(said, "init runtime"); early != want.early {
			t.Errorf("%s: before the runtime: %v\n%s", want.asked, early, said)
		}
		if healthy := strings.HasSuffix(said, "yes\n"); healthy != want.healthy {
			t.Errorf("%s: healthy: %v\n%s", want.asked, healthy, said)
		}
	}
}
