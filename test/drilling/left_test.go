package drilling_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aweigh/aweigh/internal/drill"
)

// session is one `aweigh drill`.
type session struct {
	t      *testing.T
	cmd    *exec.Cmd
	stdout bytes.Buffer
	stderr bytes.Buffer
	ended  chan struct{}

	mu      sync.Mutex
	volumes map[string]bool // those without a name that its containers were seen to have
}

// begin starts the program with a state directory, and watches what it makes.
func begin(t *testing.T, state string, args ...string) *session {
	t.Helper()
	s := &session{t: t, ended: make(chan struct{}), volumes: map[string]bool{}}
	s.cmd = exec.Command(filepath.Join(bin, "aweigh"), append([]string{"drill", "--state", state, "--json"}, args...)...)
	s.cmd.Stdout, s.cmd.Stderr = &s.stdout, &s.stderr
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		s.cmd.Wait()
		close(s.ended)
	}()
	var watching sync.WaitGroup
	watching.Go(s.watch)
	t.Cleanup(func() {
		s.cmd.Process.Kill()
		<-s.ended
		watching.Wait()
		if t.Failed() {
			t.Logf("%s\n%s\n%s", strings.Join(s.cmd.Args, " "), s.stdout.String(), s.stderr.String())
		}
	})
	return s
}

const owned = "label=aweigh.drill.owner"

// watch notes the volumes without names, which have no label either.
func (s *session) watch() {
	look := time.NewTicker(300 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case <-s.ended:
			return
		case <-look.C:
		}
		names := s.made()
		if len(names) == 0 {
			continue
		}
		// One that is gone meanwhile is an error, and the others are told all the same.
		out, _ := exec.Command("docker", append([]string{"inspect", "--format", `{{range .Mounts}}{{.Name}} {{end}}`}, names...)...).Output()
		s.mu.Lock()
		for _, name := range strings.Fields(string(out)) {
			if len(name) == 64 { // hexadecimal digits, the engine's invention
				s.volumes[name] = true
			}
		}
		s.mu.Unlock()
	}
}

// wait waits for the end and returns the exit status and the report.
func (s *session) wait(limit time.Duration) (int, drill.Report) {
	s.t.Helper()
	select {
	case <-s.ended:
	case <-time.After(limit):
		s.t.Fatalf("the drills still run after %s", limit)
	}
	var r drill.Report
	if err := json.Unmarshal(s.stdout.Bytes(), &r); err != nil {
		s.t.Fatalf("the report cannot be read: %v", err)
	}
	return s.cmd.ProcessState.ExitCode(), r
}

// leftNothing checks that nothing is there that the session made. Others may
// drill at the same time, so only what nobody owns any more counts.
func (s *session) leftNothing() {
	s.t.Helper()
	for kind, list := range map[string][]string{
		"containers": {"ps", "--all", "--format", "{{.Names}} {{.Labels}}", "--filter", owned},
		"networks":   {"network", "ls", "--format", "{{.Name}} {{.Labels}}", "--filter", owned},
		"volumes":    {"volume", "ls", "--format", "{{.Name}} {{.Labels}}", "--filter", owned},
	} {
		for line := range strings.Lines(docker(s.t, list...)) {
			if strings.Contains(line, s.mark()) {
				s.t.Errorf("left behind in %s: %s", kind, line)
			}
		}
	}
	there := strings.Fields(docker(s.t, "volume", "ls", "--quiet"))
	s.mu.Lock()
	defer s.mu.Unlock()
	for name := range s.volumes {
		if slices.Contains(there, name) {
			s.t.Errorf("left behind: volume %s", name)
		}
	}
}

// mark is what the labels of the session's things have in them.
func (s *session) mark() string {
	host, _ := os.Hostname()
	return "aweigh.drill.owner=" + host + "/" + itoa(s.cmd.Process.Pid) + "/"
}

// made are the names of the session's containers that are there.
func (s *session) made() []string {
	var names []string
	out, _ := tryDocker("ps", "--all", "--format", "{{.Names}} {{.Labels}}", "--filter", owned)
	for line := range strings.Lines(out) {
		if strings.Contains(line, s.mark()) {
			names = append(names, strings.Fields(line)[0])
		}
	}
	return names
}

// underWay reports whether the copy of a drill is there.
func (s *session) underWay(name string) bool {
	return slices.ContainsFunc(s.made(), func(container string) bool { return strings.Contains(container, "-"+name+"-") })
}
