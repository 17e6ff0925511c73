package peers_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/aweigh/aweigh"
)

// busybox is the server of an image like Alpine's. It is only tried there.
var busybox = peer{
	name:        "httpd",
	good:        func(s *site) launch { return busyboxOn(s, strconv.Itoa(s.port)) },
	ends:        aweigh.Exit{Code: 143, Signal: "SIGTERM"},
	broken:      func(s *site) launch { return busyboxOn(s, "127.0.0.1:http:"+strconv.Itoa(s.port)) },
	brokenFails: outcome{1, `bad address '127\.0\.0\.1:http:\d+'`},
}

func busyboxOn(s *site, port string) launch {
	return launch{command: []string{"httpd", "-f", "-p", port, "-h", s.dir}}
}

// TestContainers starts the servers as README.md says: aweigh-init is the entry
// point, its flags are variables, and its records lie on a volume.
func TestContainers(t *testing.T) {
	for _, p := range append([]peer{busybox}, peers...) {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			needEngine(t)
			need(t, p.needs...)
			t.Run("comes up and is stopped", p.comesUpInside)
			t.Run("is started with a mistake", p.isMistakenInside)
		})
	}
}

func (p peer) comesUpInside(t *testing.T) {
	t.Parallel()
	s := newSiteInside(t, p)
	c := p.box(t, s, p.good(s)).run(t)
	ready := c.event("start.ready")
	if ready["service"] != p.name || ready["took_ms"] == "" || !strings.Contains(ready["target"], strconv.Itoa(s.port)) {
		t.Errorf("start.ready should tell service, time and target: %v", ready)
	}
	c.becomes("{{.State.Health.Status}}", "healthy")
	if code := c.stop(); code != p.ends.Code {
		t.Errorf("exit status %d after docker stop, want %d", code, p.ends.Code)
	}
	c.logged()
	c.event("start.ready")
	if exit := c.event("run.exit"); exit["end"] != "stopped" || exit["exit"] != strconv.Itoa(p.ends.Code) {
		t.Errorf("run.exit says end=%s exit=%s, want stopped and %d", exit["end"], exit["exit"], p.ends.Code)
	}
	if warnings := c.lines("warning"); len(warnings) > 0 {
		t.Errorf("a good life in a container has warnings: %v", warnings)
	}
	id := c.inspect("{{.Id}}")
	k := c.outlived(p.name)
	k.lived(t, p.ends)
	if len(k.Instance) < 12 || !strings.HasPrefix(id, k.Instance) {
		t.Errorf("the instance is %q, but the container's id %s", k.Instance, id)
	}
}

func (p peer) isMistakenInside(t *testing.T) {
	t.Parallel()
	s := newSiteInside(t, p)
	c := p.box(t, s, p.broken(s)).run(t)
	want := p.brokenFails
	if code := c.wait(); code != want.exit {
		t.Errorf("exit status %d, want %d", code, want.exit)
	}
	c.logged()
	line := c.event("start.failed")
	if line["verdict"] != string(aweigh.Crashed) || line["exit"] != strconv.Itoa(want.exit) {
		t.Errorf("start.failed says verdict=%s exit=%s, want crashed and %d", line["verdict"], line["exit"], want.exit)
	}
	says := regexp.MustCompile(want.says)
	if !says.MatchString(line["msg"]) {
		t.Errorf("start.failed says\n  %s\nwhich does not match %q", line["msg"], want.says)
	}
	k := c.outlived(p.name)
	if k.Verdict != aweigh.Crashed || k.InARow != 1 || !says.MatchString(k.Reason) || k.Exit == nil || k.Exit.Code != want.exit {
		t.Errorf("the record says verdict %s, %d in a row, exit %+v, for %q", k.Verdict, k.InARow, k.Exit, k.Reason)
	}
}

// newSiteInside makes a site for a server in a container, where all ports are
// free.
func newSiteInside(t *testing.T, p peer) *site {
	t.Helper()
	files := tempDir(t)
	s := &site{service: p.name, port: 8080, dir: "/site", tmp: "/site/tmp", files: files}
	if err := os.Mkdir(filepath.Join(files, "tmp"), 0o777); err != nil {
		t.Fatal(err)
	}
	os.Chmod(filepath.Join(files, "tmp"), 0o777)
	return s
}

// box is a container for l.
func (p peer) box(t *testing.T, s *site, l launch) box {
	t.Helper()
	s.lay(t, l)
	b := box{image: scratch, command: l.command, env: append(variables(l.flags), l.env...)}
	b.env = append(b.env, "AWEIGH_SERVICE="+s.service, "AWEIGH_PORT="+strconv.Itoa(s.port), "LC_ALL=C.UTF-8", "HOME="+s.dir)
	b.options = []string{"--health-interval", "1s", "--volume", s.files + ":" + s.dir, "--tmpfs", "/tmp"}
	switch {
	case p.name == busybox.name:
		b.image = alpine
	case l.command[0] == goServer:
		b.command = append([]string{"/goserver"}, l.command[1:]...)
	default:
		for _, dir := range []string{"/usr", "/etc", "/bin", "/sbin", "/lib", "/lib64"} {
			if _, err := os.Stat(dir); err == nil {
				b.options = append(b.options, "--volume", dir+":"+dir+":ro")
			}
		}
	}
	return b
}

// variables are flags as variables of the environment.
func variables(flags []string) []string {
	var env []string
	for i := 0; i+1 < len(flags); i += 2 {
		name := strings.ToUpper(strings.ReplaceAll(strings.TrimLeft(flags[i], "-"), "-", "_"))
		env = append(env, "AWEIGH_"+name+"="+flags[i+1])
	}
	return env
}
