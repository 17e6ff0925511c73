package deploying_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// behind is the compose file of a service that publishes nothing, and of the proxy
// before it, which runs from the files of this machine, since no registry answers.
func behind(labels, proxy string) string {
	return `
version: "3"
services:
  web:
    image: IMAGE
    restart: always
    expose: ["8080"]
    labels:
      aweigh.probe: "http://:8080/health"
      aweigh.interval: 1s
      aweigh.rollout.drain: 3s` + labels + `
    environment: {RELEASE: "IMAGE", SECRET: "hunter2" MORE}
  proxy:
    image: FIRST
    restart: always
    ports: ["127.0.0.1:PORT:80"]
    depends_on: [web]` + proxy + "\n"
}

// nginx is Debian's.
const (
	nginxLabels = `
      aweigh.rollout.proxy: nginx
      aweigh.rollout.container: proxy
      aweigh.rollout.upstream: nginx/upstreams/web.conf`
	nginxProxy = `
    entrypoint: [/usr/sbin/nginx, "-g", "daemon off;"]
    volumes: ["./nginx:/etc/nginx:ro", "/usr:/usr:ro", "/lib:/lib:ro", "/lib64:/lib64:ro", "/etc/passwd:/etc/passwd:ro", "/etc/group:/etc/group:ro"]
    tmpfs: [/run, /tmp, /var/log/nginx, /var/lib/nginx]`
)

const (
	nginxConf = `user www-data;
error_log stderr;
events {}
http {
	access_log off;
	include upstreams/*.conf;
	server {
		listen 80;
		location / { proxy_pass http://web; }
	}
}
`
	upstreamConf = "# the shop\nupstream web {\n\tserver web:8080 max_fails=0;\n}\n"
)

// behindNginx is a project whose first release serves behind nginx.
func behindNginx(t *testing.T) *project {
	t.Helper()
	needs(t, "/usr/sbin/nginx")
	return deployedWith(t, behind(nginxLabels, nginxProxy), map[string]string{"nginx/nginx.conf": nginxConf, "nginx/upstreams/web.conf": upstreamConf})
}

func needs(t *testing.T, program string) {
	t.Helper()
	if _, err := os.Stat(program); err != nil {
		if os.Getenv("AWEIGH_TEST_ALL") != "" {
			t.Fatalf("%s is not there: test/setup installs it (AWEIGH_TEST_ALL is set)", program)
		}
		t.Skipf("%s is not there: test/setup installs it", program)
	}
}

// visitors ask for a page without pause, through the proxy, until stop, which
// returns how often each release answered. Whoever gets anything else fails the test,
// and asks no more.
func visitors(t *testing.T, p *project) (stop func() map[string]int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	url := fmt.Sprintf("http://127.0.0.1:%d/page", p.port)
	await(t, "the first answer through the proxy", func() bool {
		_, err := page(ctx, http.DefaultClient, url)
		return err == nil
	})
	var mu sync.Mutex
	served := map[string]int{}
	var all sync.WaitGroup
	for n := range 4 {
		c := &http.Client{Transport: &http.Transport{DisableKeepAlives: n%2 == 0}, Timeout: time.Minute}
		all.Go(func() {
			defer c.CloseIdleConnections()
			for ctx.Err() == nil {
				release, err := page(ctx, c, url)
				if ctx.Err() != nil {
					return
				}
				if err != nil {
					t.Errorf("%s: a request failed: %v", time.Now().Format("15:04:05.000"), err)
					return // one says it
				}
				mu.Lock()
				served[release]++
				mu.Unlock()
			}
		})
	}
	return func() map[string]int {
		cancel()
		all.Wait()
		t.Logf("served: %v", served)
		return served
	}
}

func page(ctx context.Context, c *http.Client, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	answer, err := c.Do(req)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %.80s", answer.Status, body)
	}
	return string(body), err
}

func (p *project) upstream(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(p.dir, "nginx/upstreams/web.conf"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// alone fails unless containers of web of these releases run, and Compose would
// change nothing of the project.
func (p *project) alone(t *testing.T, releases ...string) {
	t.Helper()
	if images := p.runs(t, "web", "{{.Image}}"); images != strings.Join(releases, " ") {
		t.Errorf("runs %q, want %s", images, releases)
	}
	was := strings.Join(p.docker(t, "ps", "--all", "--quiet", "--filter", "label=com.docker.compose.project="+p.name), " ")
	cmd := exec.Command("docker-compose", "--project-name", p.name, "--no-ansi", "up", "--detach")
	cmd.Dir = p.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("docker-compose up: %v: %s", err, out)
	}
	if now := strings.Join(p.docker(t, "ps", "--all", "--quiet", "--filter", "label=com.docker.compose.project="+p.name), " "); now != was {
		t.Errorf("docker-compose up made of %s %s", was, now)
	}
}

func TestRolloutLosesNoRequest(t *testing.T) {
	t.Parallel()
	p := behindNginx(t)
	p.write(t, second, "")
	out, code := p.aweigh(t, "deploy", "--dry-run", "--rollout")
	wantExit(t, out, code, 0, "then nginx is given it", "it blinks: it publishes port")
	p.rolledOut(t, "web_2 started beside ", "nginx sends to "+p.name+"_web_2")
	if want := "# the shop\nupstream web {\n\tserver " + p.name + "_web_2:8080 max_fails=0;\n}\n"; p.upstream(t) != want {
		t.Errorf("the upstream file is %q", p.upstream(t))
	}
	out, code = p.aweigh(t, "deploy", "--rollout", "--yes", "--trial", "off", "--within", patience)
	wantExit(t, out, code, 0, "nothing had to change")
}

func TestUnreadyGetsNoRequest(t *testing.T) {
	t.Parallel()
	p := behindNginx(t)
	web := p.runs(t, "web", "{{.ID}}")
	stop := visitors(t, p)
	p.write(t, second, "SICK_AFTER: 1ns")
	out, code := p.aweigh(t, "deploy", "--rollout", "--yes", "--trial", "off", "--within", "30s")
	wantExit(t, out, code, 1, "ROLLED BACK", "_web_1 still serves")
	if served := stop(); served[second] != 0 {
		t.Errorf("served: %v", served)
	}
	if p.runs(t, "web", "{{.ID}}") != web {
		t.Error("the old instance was made anew")
	}
	if p.upstream(t) != upstreamConf {
		t.Errorf("the upstream file is %q", p.upstream(t))
	}
	p.write(t, first, "")
	p.alone(t, first)
}

func TestSickRolloutIsUndone(t *testing.T) {
	t.Parallel()
	p := behindNginx(t)
	stop := visitors(t, p)
	p.write(t, second, "SICK_AFTER: 45s")
	out, code := p.aweigh(t, "deploy", "--rollout", "--yes", "--trial", "off", "--within", patience, "--soak", "24h")
	wantExit(t, out, code, 1, "ROLLED BACK", "web_1 drained and removed", "soak of local")
	served := stop()
	if served[second] == 0 {
		t.Errorf("served: %v", served)
	}
	if !strings.Contains(p.upstream(t), p.name+"_web_1:8080") {
		t.Errorf("the upstream file is %q", p.upstream(t))
	}
	p.write(t, first, "")
	p.alone(t, first)
}

// killedRollout kills a rollout once it has come somewhere, while visitors ask.
func killedRollout(t *testing.T, where string, reached func(*project) bool) (p *project, stop func() map[string]int) {
	t.Helper()
	p = behindNginx(t)
	stop = visitors(t, p)
	p.write(t, second, "")
	cmd := p.command("deploy", "--rollout", "--yes", "--trial", "off", "--within", patience)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	await(t, where, func() bool { return reached(p) })
	cmd.Process.Kill()
	cmd.Wait()
	return p, stop
}

func TestKilledRolloutIsResumedOrAborted(t *testing.T) {
	for where, reached := range map[string]func(*testing.T) func(*project) bool{
		"started": func(t *testing.T) func(*project) bool {
			return func(p *project) bool { return strings.Contains(p.runs(t, "web", "{{.Image}}"), second) }
		},
		"handed": func(t *testing.T) func(*project) bool {
			return func(p *project) bool { return strings.Contains(p.upstream(t), "_web_2") }
		},
	} {
		t.Run(where+"-resume", func(t *testing.T) {
			t.Parallel()
			p, stop := killedRollout(t, where, reached(t))
			out, code := p.aweigh(t, "deploy", "resume")
			wantExit(t, out, code, 0, "deployed after", "web_1 drained and removed")
			stop()
			p.alone(t, second)
		})
		t.Run(where+"-abort", func(t *testing.T) {
			t.Parallel()
			p, stop := killedRollout(t, where, reached(t))
			web := p.runs(t, "web", "{{.ID}} {{.Image}}")
			out, code := p.aweigh(t, "deploy", "abort")
			wantExit(t, out, code, 1, "ROLLED BACK", "what ran before still runs")
			stop()
			if left := p.runs(t, "web", "{{.ID}}"); !strings.Contains(web, left) {
				t.Errorf("runs %s, ran %s", left, web)
			}
			p.write(t, first, "")
			p.alone(t, first)
		})
	}
}

func TestKilledWayBackGoesOn(t *testing.T) {
	t.Parallel()
	p := behindNginx(t)
	stop := visitors(t, p)
	p.write(t, second, "")
	cmd := p.command("deploy", "--rollout", "--yes", "--trial", "off", "--within", patience, "--soak", "24h")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	await(t, "the end of the old instance", func() bool {
		return p.runs(t, "web", "{{.Image}}") == second && strings.Contains(p.upstream(t), "_web_2")
	})
	cmd.Process.Signal(os.Interrupt)
	if cmd.Wait(); cmd.ProcessState.ExitCode() != 4 {
		t.Errorf("interrupted: %v", cmd.ProcessState)
	}
	cmd = p.command("deploy", "abort")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	await(t, "the old instance, made again", func() bool { return strings.Contains(p.runs(t, "web", "{{.Image}}"), first) })
	cmd.Process.Kill()
	cmd.Wait()
	both := p.runs(t, "web", "{{.ID}}")
	out, code := p.aweigh(t, "deploy", "abort")
	wantExit(t, out, code, 1, "ROLLED BACK", "runs again as before: web")
	stop()
	if left := p.runs(t, "web", "{{.ID}}"); !strings.Contains(both, left) {
		t.Errorf("runs %s, ran %s", left, both)
	}
	p.write(t, first, "")
	p.alone(t, first)
}

func TestTwoInstancesAreRolledOut(t *testing.T) {
	t.Parallel()
	needs(t, "/usr/sbin/nginx")
	file := strings.NewReplacer(`version: "3"`, `version: "2.4"`, "expose:", "scale: 2\n    expose:").Replace(behind(nginxLabels, nginxProxy))
	p := deployedWith(t, file, map[string]string{"nginx/nginx.conf": nginxConf, "nginx/upstreams/web.conf": upstreamConf})
	stop := visitors(t, p)
	p.write(t, second, "")
	out, code := p.aweigh(t, "deploy", "--rollout", "--yes", "--trial", "off", "--within", patience)
	wantExit(t, out, code, 0, "deployed after", "drained and removed")
	stop()
	for _, name := range []string{"_web_3:8080", "_web_4:8080"} {
		if !strings.Contains(p.upstream(t), name) {
			t.Errorf("the upstream file is %q", p.upstream(t))
		}
	}
	p.alone(t, second, second)
}

// The service has a name of its own, since the watcher sees all that runs here.
func TestRolloutIsNoAlarm(t *testing.T) {
	t.Parallel()
	needs(t, "/usr/sbin/nginx")
	name := strings.NewReplacer("web", "wares")
	p := deployedWith(t, name.Replace(behind(nginxLabels+"\n      aweigh.confirm-within: 5s\n      aweigh.settle: 1s", nginxProxy)), map[string]string{"nginx/nginx.conf": name.Replace(nginxConf), "nginx/upstreams/wares.conf": name.Replace(upstreamConf)})
	watcher := p.command("watch", "--listen", "none")
	if err := watcher.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		watcher.Process.Signal(os.Interrupt)
		watcher.Wait()
	})
	ready := func() int {
		out, _ := p.command("starts", "wares", "--json").Output()
		return strings.Count(string(out), `"verdict":"ready"`)
	}
	await(t, "the first release in the watcher's eyes", func() bool { return ready() == 1 })
	p.write(t, second, "")
	out, code := p.aweigh(t, "deploy", "--rollout", "--yes", "--trial", "off", "--within", patience)
	wantExit(t, out, code, 0, "deployed after", "wares_1 drained and removed")
	await(t, "the second release in the watcher's eyes", func() bool { return ready() == 2 })
	incidents := func(args ...string) string {
		out, err := p.command("incidents", append(args, "--json")...).CombinedOutput()
		if err != nil {
			t.Errorf("incidents: %v", err)
		}
		return string(out)
	}
	if out := incidents("--all"); strings.Contains(out, `"wares"`) {
		t.Errorf("incidents: %s", out)
	}
	p.write(t, first, "SICK_AFTER: 1ns")
	out, code = p.aweigh(t, "deploy", "--rollout", "--yes", "--trial", "off", "--within", "30s")
	wantExit(t, out, code, 1, "wares_2 still serves")
	// That the sick one did not start is not told, and is over with it.
	await(t, "the end of all incidents", func() bool { return !strings.Contains(incidents(), `"wares"`) })
	t.Log(incidents("--all"))
}

func TestRefusalChangesNothing(t *testing.T) {
	t.Parallel()
	p := behindNginx(t)
	web := p.runs(t, "web", "{{.ID}}")
	stop := visitors(t, p)
	if err := os.WriteFile(filepath.Join(p.dir, "nginx/upstreams/other.conf"), []byte("nonsense;\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	p.write(t, second, "")
	out, code := p.aweigh(t, "deploy", "--rollout", "--yes", "--trial", "off", "--within", patience)
	wantExit(t, out, code, 1, "ROLLED BACK", "the proxy keeps to what it had", "unknown directive", "what ran before still runs")
	if served := stop(); served[second] != 0 || p.runs(t, "web", "{{.ID}}") != web || p.upstream(t) != upstreamConf {
		t.Errorf("served %v, upstream %q", served, p.upstream(t))
	}
}

// The old instance is asked to leave, and the deployment is aborted then: it cannot
// be asked to stay, and is made again.
func TestWhoeverLeftIsMadeAgain(t *testing.T) {
	t.Parallel()
	needs(t, "/usr/sbin/nginx")
	file := strings.Replace(behind(nginxLabels+"\n      aweigh.rollout.leave: /server leave", nginxProxy), "    expose:",
		"    healthcheck: {test: [CMD, /server, health], interval: 1s, retries: 1}\n    expose:", 1)
	p := deployedWith(t, file, map[string]string{"nginx/nginx.conf": nginxConf, "nginx/upstreams/web.conf": upstreamConf})
	web := p.runs(t, "web", "{{.ID}}")
	stop := visitors(t, p)
	p.write(t, second, "")
	cmd := p.command("deploy", "--rollout", "--yes", "--trial", "off", "--within", patience)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	await(t, "the word of the old instance that it leaves", func() bool {
		return len(p.docker(t, "ps", "--quiet", "--no-trunc", "--filter", "id="+web, "--filter", "health=unhealthy")) > 0
	})
	cmd.Process.Kill()
	cmd.Wait()
	out, code := p.aweigh(t, "deploy", "abort")
	wantExit(t, out, code, 1, "ROLLED BACK", "runs again as before: web")
	stop()
	if p.runs(t, "web", "{{.ID}}") == web {
		t.Error("what was asked to leave stays")
	}
	p.write(t, first, "")
	p.alone(t, first)
}

func TestPublishedPortIsSaidToBlink(t *testing.T) {
	t.Parallel()
	p := deployed(t)
	p.write(t, second, "")
	out, code := p.aweigh(t, "deploy", "--rollout", "--yes", "--trial", "off", "--within", patience)
	wantExit(t, out, code, 0, "deployed after", fmt.Sprintf("web blinked: it publishes port %d", p.port))
	if strings.Contains(out, "db blinked") {
		t.Error("what did not change is said to have blinked")
	}
}

// rolledOut rolls the second release out before visitors, none of whom may notice.
func (p *project) rolledOut(t *testing.T, words ...string) {
	t.Helper()
	stop := visitors(t, p)
	p.write(t, second, "")
	out, code := p.aweigh(t, "deploy", "--rollout", "--yes", "--trial", "off", "--within", patience)
	wantExit(t, out, code, 0, append(words, "deployed after", "web_1 drained and removed")...)
	served := stop()
	if served[first] == 0 || served[second] == 0 {
		t.Errorf("served: %v", served)
	}
	p.alone(t, second)
}

func TestRolloutBehindKamalProxy(t *testing.T) {
	t.Parallel()
	if absent != "" {
		t.Skip(absent)
	}
	bin := t.TempDir()
	cmd := exec.Command("go", "build", "-o", bin, "github.com/basecamp/kamal-proxy/cmd/kamal-proxy")
	cmd.Dir, cmd.Env = "../tools", append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build kamal-proxy: %v\n%s", err, out)
	}
	p := deployedWith(t, behind(`
      aweigh.rollout.proxy: kamal-proxy
      aweigh.rollout.container: proxy
      aweigh.rollout.name: shop
      aweigh.rollout.options: "--health-check-path=/health"`, `
    entrypoint: [/usr/local/bin/kamal-proxy, run]
    environment: {HOME: /home}
    tmpfs: [/home, /tmp]
    volumes: ["`+bin+`:/usr/local/bin:ro"]`), nil)
	proxy := p.name + "_proxy_1"
	p.docker(t, "exec", proxy, "kamal-proxy", "deploy", "shop", "--target", p.name+"_web_1:8080", "--health-check-path=/health")
	p.rolledOut(t, "kamal-proxy sends to "+p.name+"_web_2")
	if list := strings.Join(p.docker(t, "exec", proxy, "kamal-proxy", "list"), " "); !strings.Contains(list, p.name+"_web_2:8080") {
		t.Errorf("kamal-proxy has %s", list)
	}
}

// Caddy follows the network's names here as caddy-docker-proxy, which cannot be had
// where this runs, follows labels: both send to an instance once it has started.
func TestRolloutBehindCaddy(t *testing.T) {
	t.Parallel()
	needs(t, "/usr/bin/caddy")
	p := deployedWith(t, behind(`
      caddy: ":80"
      caddy.reverse_proxy: "{{upstreams 8080}}"
      caddy.reverse_proxy.lb_try_duration: 1m`, `
    entrypoint: [/usr/bin/caddy, run, --config, /etc/caddy/Caddyfile]
    environment: {HOME: /tmp}
    tmpfs: [/tmp]
    volumes: ["./caddy:/etc/caddy:ro", "/usr:/usr:ro", "/lib:/lib:ro", "/lib64:/lib64:ro"]`), map[string]string{"caddy/Caddyfile": `{
	admin off
}
:80 {
	reverse_proxy {
		dynamic a {
			name web
			port 8080
			refresh 1s
		}
		lb_try_duration 1m
	}
}
`})
	p.rolledOut(t, "caddy finds "+p.name+"_web_2 by itself")
}
