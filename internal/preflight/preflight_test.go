package preflight

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"maps"
	"math/big"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"

	"github.com/aweigh/aweigh/internal/compose"
	"github.com/aweigh/aweigh/internal/docker"
)

func TestInterpreterChecksWhatItIsToRun(t *testing.T) {
	for _, c := range []struct{ argv, want string }{
		{"python3 -u server.py --port 80", "python3 -c " + pyCompile + " server.py"},
		{"/usr/bin/python3.12 /app/main.py", "/usr/bin/python3.12 -c " + pyCompile + " /app/main.py"},
		{"python -m http.server", ""},
		{"docker-entrypoint.sh node index.js", "node --check index.js"},
		{"nginx -g daemon", "nginx -t"},
		{"/aweigh-init -- php -S 0.0.0.0:80 index.php", "php -l index.php"},
		{"/bin/sh /start.sh", "/bin/sh -n /start.sh"},
		{"/server", ""},
		{"shellcheck x.sh", ""},
	} {
		if got := strings.Join(checker(strings.Fields(c.argv)), " "); got != c.want {
			t.Errorf("%s: got %q, want %q", c.argv, got, c.want)
		}
	}
}

// The check of a Python program wrote __pycache__ beside it, which a user that is not
// root may not: what was fine was refused.
func TestPythonIsCheckedWhereNothingCanBeWritten(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip(err)
	}
	for text, want := range map[string]bool{"print('ok')\n": true, "def f(:\n": false} {
		dir := t.TempDir()
		// A file in its place: root may write everywhere.
		if err := errors.Join(os.WriteFile(filepath.Join(dir, "__pycache__"), nil, 0o600), os.WriteFile(filepath.Join(dir, "a.py"), []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
		words := checker([]string{python, "a.py"})
		cmd := exec.Command(words[0], words[1:]...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); (err == nil) != want {
			t.Errorf("%q: %v: %s", text, err, out)
		}
	}
}

func TestAProgramMayComeFromAVolume(t *testing.T) {
	volumes := func(targets ...string) (all []types.ServiceVolumeConfig) {
		for _, target := range targets {
			all = append(all, types.ServiceVolumeConfig{Target: target})
		}
		return all
	}
	in := []string{"/usr/local/bin/server", "/usr/bin/server"}
	for _, mounted := range []string{"/usr/bin/server", "/usr/local/bin", "/usr/local/bin/", "/usr"} {
		if !fromVolume(in, volumes("/data", mounted)) {
			t.Errorf("%s holds none of %s", mounted, in)
		}
	}
	for _, mounted := range []string{"/", "/usr/bin/serve", "/usr/local/bin/server2", "/usr/lib", "/server"} {
		if fromVolume(in, volumes(mounted)) {
			t.Errorf("%s holds one of %s", mounted, in)
		}
	}
}

func TestTrialGetsNothingThatIsReal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	got := binds([]string{"/etc/app:/etc/app", "/data:/data:rw", path + ":/run/docker.sock", "trial-1_db:/var/lib/db:rw", "shop-data:/data2"}, (&booth{project: "trial-1", flight: &flight{Config: Config{Project: &compose.Project{Project: &types.Project{}}}}}).ours)
	if want := []string{"/etc/app:/etc/app:ro", "/data:/data:ro", "trial-1_db:/var/lib/db:rw"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	for _, h := range []*container.HostConfig{{Privileged: true}, {PidMode: "host"}, {NetworkMode: "container:x"}, {VolumesFrom: []string{"x"}}} {
		if real(docker.Twin{Host: h}) == "" {
			t.Errorf("booted: %+v", h)
		}
	}
	b := &booth{project: "trial-1", network: "trial-1-net"}
	model := docker.Twin{ID: "0123456789abcdef", Service: "web", Config: &container.Config{Labels: map[string]string{"a": "b"}},
		Host: &container.HostConfig{PublishAllPorts: true, NetworkMode: "host", RestartPolicy: container.RestartPolicy{Name: "always"}}}
	boot := b.throwaway(model)
	if h := boot.Host; h.PublishAllPorts || h.NetworkMode != "trial-1-net" || h.RestartPolicy.Name != "no" || boot.Config.Labels[Label] != "trial-1" {
		t.Errorf("got %+v", h)
	}
	if model.Host.NetworkMode != "host" || len(model.Config.Labels) != 1 {
		t.Error("the model was changed")
	}
}

// A volume that is made for a trial may lead to what is real all the same: a database of a
// trial was started on the files of the one that ran.
func TestTrialGetsNoVolumeThatLeadsElsewhere(t *testing.T) {
	b := &booth{project: "trial-1", network: "trial-1-net", flight: &flight{Config: Config{Project: &compose.Project{Project: &types.Project{Volumes: types.Volumes{
		"plain": {}, "local": {Driver: "local"}, "bind": {Driver: "local", DriverOpts: types.Options{"type": "none", "o": "bind", "device": "/srv/db"}}, "cloud": {Driver: "rexray"}}}}}}}
	var all []string
	var long []mount.Mount
	for _, name := range []string{"plain", "local", "bind", "cloud"} {
		all = append(all, "trial-1_"+name+":/"+name+":rw")
		long = append(long, mount.Mount{Type: mount.TypeVolume, Source: "trial-1_" + name})
	}
	h := b.throwaway(docker.Twin{Config: &container.Config{Labels: map[string]string{}}, Host: &container.HostConfig{Binds: all, Mounts: long}}).Host
	if !slices.Equal(h.Binds, all[:2]) || len(h.Mounts) != 2 || h.Mounts[1].Source != "trial-1_local" {
		t.Errorf("got %q, %+v", h.Binds, h.Mounts)
	}
}

// Traefik took the copy of a trial for one more instance, and dropped the route of
// the real one.
func TestTrialAsksNobodyElseForAnything(t *testing.T) {
	b := &booth{project: "trial-1", network: "trial-1-net"}
	model := docker.Twin{Service: "web", Host: &container.HostConfig{}, Config: &container.Config{Labels: map[string]string{
		"traefik.http.routers.web.rule": "Host(`shop.example`)", "caddy": "shop.example", "ofelia.job-exec.bill.schedule": "@daily",
		"com.docker.compose.service": "web", "com.docker.compose.project": "trial-1", "aweigh.probe": "http://:80/"}}}
	got := slices.Sorted(maps.Keys(b.throwaway(model).Config.Labels))
	if want := []string{"aweigh.ignore", Label, "aweigh.probe", "com.docker.compose.project", "com.docker.compose.service"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

// certificate writes one for a name, good for so many days yet.
func certificate(t *testing.T, path, host string, days int) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{host}, NotBefore: time.Now().AddDate(-1, 0, 0), NotAfter: time.Now().AddDate(0, 0, days)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	text := append([]byte("not a certificate\n"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, text, 0o600)); err != nil {
		t.Fatal(err)
	}
}

// certificatesIn is what is found where a directory is mounted.
func certificatesIn(t *testing.T, dir string) map[Verdict]string {
	t.Helper()
	web := types.ServiceConfig{Name: "web"}
	web.Volumes = []types.ServiceVolumeConfig{{Type: "bind", Source: dir, Target: "/certs"}}
	f := &flight{Config: Config{Services: []string{"web"}, Project: &compose.Project{Project: &types.Project{Services: types.Services{"web": web}}}}}
	got := map[Verdict]string{}
	for _, c := range f.certificates(t.Context()) {
		got[c.Verdict] += c.Found
	}
	return got
}

func TestCertificateThatHasExpiredIsTold(t *testing.T) {
	dir := t.TempDir()
	certificate(t, filepath.Join(dir, "old.pem"), "old.example", -1)
	certificate(t, filepath.Join(dir, "soon.crt"), "soon.example", 3)
	certificate(t, filepath.Join(dir, "good.cer"), "good.example", 100)
	if got := certificatesIn(t, dir); len(got) != 2 || !strings.Contains(got[Failed], "old.pem") || !strings.Contains(got[Warning], "soon.crt") {
		t.Errorf("got %q", got)
	}
}

// Of /etc/letsencrypt, archive/ has all that there ever were, and live/ a link to the
// last: three months after the first no deployment passed any more.
func TestCertificateThatWasRenewedIsNotTold(t *testing.T) {
	dir := t.TempDir()
	certificate(t, filepath.Join(dir, "archive/shop.example/fullchain1.pem"), "shop.example", -30)
	certificate(t, filepath.Join(dir, "archive/shop.example/fullchain2.pem"), "shop.example", 60)
	live := filepath.Join(dir, "live/shop.example")
	if err := errors.Join(os.MkdirAll(live, 0o700), os.Symlink("../../archive/shop.example/fullchain2.pem", filepath.Join(live, "fullchain.pem"))); err != nil {
		t.Fatal(err)
	}
	if got := certificatesIn(t, dir); len(got) != 1 || got[Passed] == "" {
		t.Errorf("got %q", got)
	}
}

func TestPortIsHeldByWhoHasItAndIsNotReplaced(t *testing.T) {
	f := &flight{Config: Config{Services: []string{"api", "web"}, Project: &compose.Project{Project: &types.Project{Name: "shop"}}}}
	at := func(ip, project, service string) []docker.Published {
		addr, _ := netip.ParseAddr(ip)
		return []docker.Published{{IP: addr, Port: 443, Project: project, Service: service, Name: project + "_" + service + "_1"}}
	}
	for what, c := range map[string]struct {
		taken    []docker.Published
		ip, want string
	}{
		"its own":                            {at("0.0.0.0", "shop", "web"), "", ""},
		"another service of the deployment":  {at("0.0.0.0", "shop", "api"), "", ""},
		"a service that is gone by the file": {at("0.0.0.0", "shop", "old"), "", "container shop_old_1, which the deployment leaves as it is"},
		"another project":                    {at("0.0.0.0", "blog", "web"), "", "container blog_web_1"},
		"at another address":                 {at("192.0.2.1", "blog", "web"), "192.0.2.2", ""},
		"at the same address":                {at("192.0.2.1", "blog", "web"), "192.0.2.1", "container blog_web_1"},
		"at every address":                   {at("::", "blog", "web"), "192.0.2.1", "container blog_web_1"},
		"at one of all":                      {at("192.0.2.1", "blog", "web"), "0.0.0.0", "container blog_web_1"},
	} {
		if got := f.holder(c.taken, 443, c.ip); got != c.want {
			t.Errorf("%s: got %q, want %q", what, got, c.want)
		}
	}
}

func TestReportShowsNoControlCharacters(t *testing.T) {
	var b bytes.Buffer
	r := Report{Verdict: Failed, Checks: []Check{{Name: "trial", Service: "web", Verdict: Failed, Found: "bad \x1b[2J words", Fix: "See."}}}
	if err := r.Text(&b); err != nil || strings.Contains(b.String(), "\x1b") || !strings.Contains(b.String(), "→ See.") {
		t.Errorf("%v: %q", err, b.String())
	}
}
