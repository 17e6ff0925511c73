package drilling_test

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/aweigh/aweigh/test/image"
)

// recipe is an image made of this machine's own files, for there may be no registry.
type recipe struct {
	sync.Once
	needs   string
	changes []string
	fill    func(*image.Layer)
	name    string
	err     error
}

var images = map[string]*recipe{
	"server": {
		changes: []string{`ENTRYPOINT ["/server"]`, "EXPOSE 8080", "VOLUME /data", "ENV DATA=/data"},
		fill:    func(l *image.Layer) { l.File("/server", filepath.Join(bin, "server")) },
	},
	"nginx": {
		needs:   "/usr/sbin/nginx",
		changes: []string{`CMD ["/usr/sbin/nginx", "-g", "daemon off; error_log stderr;"]`, "EXPOSE 80"},
		fill: func(l *image.Layer) {
			l.Program("/usr/sbin/nginx")
			for _, file := range []string{"/etc/passwd", "/etc/group", "/etc/nginx/mime.types"} {
				l.File(file, file)
			}
			for _, dir := range []string{"/tmp/", "/run/", "/var/lib/nginx/", "/var/log/nginx/", "/usr/share/nginx/html/"} {
				l.Dir(dir)
			}
			l.Text("/usr/share/nginx/html/index.html", "well\n")
			l.Text("/etc/nginx/nginx.conf", `user www-data;
events {}
http {
	include mime.types;
	access_log /dev/stdout;
	server {
		listen 80;
		root /usr/share/nginx/html;
	}
}
`)
		},
	},
}

// imageOf is the name of an image. It is skipped where an engine, or what the
// image is made of, is missing.
func imageOf(t *testing.T, name string) string {
	t.Helper()
	if _, err := tryDocker("version"); err != nil {
		missing(t, fmt.Sprintf("no container can be run here: test/setup installs and starts Docker (%v)", err))
	}
	i := images[name]
	if _, err := os.Stat(i.needs); i.needs != "" && err != nil {
		missing(t, fmt.Sprintf("%s is not there: test/setup installs it", i.needs))
	}
	i.Do(func() {
		l := image.New()
		i.fill(l)
		i.name = fmt.Sprintf("aweigh-drilling-%s:%d", name, os.Getpid())
		i.err = l.Import(i.name, i.changes...)
	})
	if i.err != nil {
		t.Fatal(i.err)
	}
	return i.name
}

func removeImages() {
	for _, i := range images {
		if i.name != "" {
			tryDocker("rmi", "--force", i.name)
		}
	}
}
