package peers_test

import (
	"strconv"

	"github.com/aweigh/aweigh"
)

var jvm = peer{
	name:        "jvm",
	needs:       []string{"java", "javac"},
	good:        func(s *site) launch { return jvmWith(s, "DATABASE=") },
	ends:        aweigh.Exit{Code: 143}, // it handles SIGTERM, and exits with what a shell would say
	taken:       outcome{1, `java\.net\.BindException: Address already in use`},
	broken:      func(s *site) launch { return jvmWith(s) },
	brokenFails: outcome{1, `IllegalStateException: DATABASE is not set`},
	hung:        func(s *site) launch { return jvmWith(s, "DATABASE="+s.silent) },
	hungSays:    `nothing of it listens on port \d+; java \(pid \d+\): .*127\.0\.0\.1:\d+`,
	hungStack:   lineOf(`Server\.connect\(%s:%d\)`, "Server.java"),
}

func jvmWith(s *site, env ...string) launch {
	return launch{
		command: []string{"java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", s.dir + "/Server.java", strconv.Itoa(s.port)},
		files:   map[string]string{"Server.java": testdata("Server.java")},
		env:     env,
		flags:   []string{"--probe", "/health"},
	}
}
