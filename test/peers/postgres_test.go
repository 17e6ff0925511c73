package peers_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"github.com/aweigh/aweigh"
)

var postgres = peer{
	name:        "postgres",
	needs:       []string{"/usr/lib/postgresql/*/bin/postgres"},
	good:        func(s *site) launch { return postgresWith(s, "", false) },
	ends:        aweigh.Exit{Code: 0},
	taken:       outcome{1, `could not create any TCP/IP sockets|Address already in use`},
	broken:      func(s *site) launch { return postgresWith(s, "max_conections = 10\n", false) },
	brokenFails: outcome{1, `configuration file ".*postgresql\.conf" contains errors|unrecognized configuration parameter "max_conections"`},
	// A standby that waits for a write-ahead log that never comes: it listens
	// and accepts, but only pg_isready knows that it turns everyone away.
	hung: func(s *site) launch {
		return postgresWith(s, "hot_standby = off\nrestore_command = '/bin/false'\n", true)
	},
	hungSays: `does not pass the probe exec:.*pg_isready.*rejecting connections`,
}

// postgresWith starts a cluster of its own, as the user postgres if we are
// root, for it refuses to run as root.
func postgresWith(s *site, config string, standby bool) launch {
	bin := postgresBin()
	config = fmt.Sprintf("listen_addresses = '0.0.0.0'\nport = %d\nunix_socket_directories = '%s'\nfsync = off\nshared_buffers = 1MB\n%s",
		s.port, s.tmp, config)
	return launch{
		command: asPostgres(bin+"/postgres", "-D", s.dir+"/data"),
		flags:   []string{"--probe", fmt.Sprintf("exec:%s/pg_isready -h 127.0.0.1 -p %d", bin, s.port)},
		setUp: func(t *testing.T, s *site) {
			t.Helper()
			data, template := s.files+"/data", cluster(t)
			if out, err := exec.Command("cp", "-a", template, data).CombinedOutput(); err != nil {
				t.Fatalf("cp: %v\n%s", err, out)
			}
			if err := os.WriteFile(data+"/postgresql.conf", []byte(config), 0o644); err != nil {
				t.Fatal(err)
			}
			if standby {
				if err := os.WriteFile(data+"/standby.signal", nil, 0o644); err != nil {
					t.Fatal(err)
				}
			}
		},
	}
}

// postgresBin is where Debian keeps the programs of the newest version.
func postgresBin() string {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	if len(found) == 0 {
		return ""
	}
	return found[len(found)-1]
}

func asPostgres(argv ...string) []string {
	if os.Getuid() != 0 {
		return argv
	}
	return append([]string{"setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--"}, argv...)
}

var template struct {
	sync.Once
	dir string
	err error
}

// cluster makes a database cluster once, to be copied: initdb takes a second.
func cluster(t *testing.T) string {
	t.Helper()
	template.Do(func() {
		if template.dir, template.err = os.MkdirTemp("", "aweigh-postgres-"); template.err != nil {
			return
		}
		os.Chmod(template.dir, 0o777)
		argv := asPostgres(postgresBin()+"/initdb", "-D", template.dir+"/data", "--no-sync", "--auth=trust", "--username=postgres",
			"--encoding=UTF8", "--locale=C")
		cmd := exec.Command(argv[0], argv[1:]...)
		cmd.Dir = "/"
		if out, err := cmd.CombinedOutput(); err != nil {
			template.err = fmt.Errorf("initdb: %w\n%s", err, strconv.Quote(string(out)))
		}
	})
	if template.err != nil {
		t.Fatal(template.err)
	}
	return template.dir + "/data"
}

// removeTemplates removes what was made once for several tests.
func removeTemplates() {
	if template.dir != "" {
		os.RemoveAll(template.dir)
	}
}
