package probe

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		in   string
		port int
		want Target
		out  string // of String; empty: as in
	}{
		{"http://db:8080/health", 0, Target{Protocol: HTTP, Host: "db", Port: 8080, Path: "/health"}, ""},
		{"HTTP://db:8080", 0, Target{Protocol: HTTP, Host: "db", Port: 8080, Path: "/"}, "http://db:8080/"},
		{"http://db/x", 9, Target{Protocol: HTTP, Host: "db", Port: 80, Path: "/x"}, "http://db:80/x"},
		{"https://db?x=1", 0, Target{Protocol: HTTPS, Host: "db", Port: 443, Path: "/?x=1"}, "https://db:443/?x=1"},
		{"http://:8080/x", 9, Target{Protocol: HTTP, Port: 8080, Path: "/x"}, "http://127.0.0.1:8080/x"},
		{"http:///x", 9, Target{Protocol: HTTP, Port: 9, Path: "/x"}, "http://127.0.0.1:9/x"},
		{"/health", 5003, Target{Protocol: HTTP, Port: 5003, Path: "/health"}, "http://127.0.0.1:5003/health"},
		{"/health", 0, Target{Protocol: HTTP, Path: "/health"}, "http://127.0.0.1/health"},
		{"//health?a b", 1, Target{Protocol: HTTP, Port: 1, Path: "//health?a%20b"}, "http://127.0.0.1:1//health?a%20b"},
		{"/ä#frag", 1, Target{Protocol: HTTP, Port: 1, Path: "/%C3%A4"}, "http://127.0.0.1:1/%C3%A4"},
		{"http://[::1]:80/", 0, Target{Protocol: HTTP, Host: "::1", Port: 80, Path: "/"}, ""},
		{"http://[fe80::1%25eth0]:81/", 0, Target{Protocol: HTTP, Host: "fe80::1%eth0", Port: 81, Path: "/"}, "http://[fe80::1%eth0]:81/"},
		{"tcp://db:5432", 0, Target{Protocol: TCP, Host: "db", Port: 5432}, ""},
		{"tcp://:5432/", 0, Target{Protocol: TCP, Port: 5432}, "tcp://127.0.0.1:5432"},
		{"grpc://db:50051/my.Service", 0, Target{Protocol: GRPC, Host: "db", Port: 50051, Path: "my.Service"}, ""},
		{"grpc://:50051", 0, Target{Protocol: GRPC, Port: 50051}, "grpc://127.0.0.1:50051"},
		{"exec:pg_isready -q", 0, Target{Protocol: Exec, Argv: []string{"pg_isready", "-q"}}, ""},
		{`exec:sh -c 'a "b"' "c 'd' \" \n" e\ f '' $HOME;`, 0, Target{Protocol: Exec,
			Argv: []string{"sh", "-c", `a "b"`, `c 'd' " \n`, "e f", "", "$HOME;"}},
			`exec:sh -c 'a "b"' 'c '\''d'\'' " \n' 'e f' '' $HOME;`},
		{`exec:echo "|" '&&'`, 0, Target{Protocol: Exec, Argv: []string{"echo", "|", "&&"}}, `exec:echo '|' '&&'`},
	} {
		got, err := Parse(c.in, c.port)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("Parse(%q) = %+v, %v\nwant %+v", c.in, got, err, c.want)
			continue
		}
		if c.out == "" {
			c.out = c.in
		}
		if got.String() != c.out {
			t.Errorf("%q: String is %q, want %q", c.in, got.String(), c.out)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for in, want := range map[string]string{
		"":                          "the probe is empty: a probe is http://",
		"  ":                        "the probe is empty",
		"health":                    "the probe has no protocol",
		"localhost:8080":            "did you mean tcp://localhost:8080?",
		"localhost:8080/health":     "did you mean http://localhost:8080/…?",
		"ftp://x:1":                 "ftp://: there is no such protocol",
		"grpcs://x:1":               "cleartext only",
		"exec://ls":                 "without slashes",
		"exec:":                     "the command is missing",
		"exec:''":                   "the command is missing",
		"exec:a 'b":                 "a ' in the command is not closed",
		`exec:a "b`:                 `a " in the command is not closed`,
		`exec:a \`:                  "escapes nothing",
		"exec:a || exit 1":          "there is no shell, || would be an argument",
		"exec:a\x00b":               "NUL",
		"tcp://db":                  "the port is missing: write tcp://db:PORT",
		"tcp://[::1]":               "write tcp://[::1]:PORT",
		"tcp://db:1/x":              "TCP has no path: write tcp://db:1",
		"grpc://db":                 "the port is missing",
		"grpc://db:1?x=1":           "no query",
		"tcp://u:hunter2@db:1":      "no credentials in this protocol",
		"http://db:99999/":          "port 99999 is not within",
		"http://db:0/":              "port 0 is not within",
		"http://db:abc/":            "the port is not a number",
		"http://::1:80/":            "an IPv6 address needs brackets",
		"http://[::1:80/":           "bracket of the IPv6 address is not closed",
		"http://db:80/%zz":          "a % is not followed",
		"http://u:hunter2/x@db:80/": "",
		"http://u:hunt er2@db:80/":  "credentials before the @",
		"http://db:80/\r\nX: y":     "control character",
	} {
		_, err := Parse(in, 0)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Parse(%q): %v\nwant …%s…", in, err, want)
		}
		if err != nil && (strings.Contains(err.Error(), "hunt") || strings.ContainsAny(err.Error(), "\r\n\x00")) {
			t.Errorf("Parse(%q): the error tells or breaks: %q", in, err)
		}
	}
	if _, err := Parse("/x", 70000); err == nil {
		t.Error("port 70000 is taken")
	}
}

func TestStringHidesSecrets(t *testing.T) {
	for in, want := range map[string]string{
		"http://user:hunter2@db:80/x":                             "http://user:***@db:80/x",
		"http://hunter2@db:80/x":                                  "http://***@db:80/x",
		"http://db:80/x?api_key=hunter2&a=b&Token=hunter2":        "http://db:80/x?api_key=***&a=b&Token=***",
		"http://db:80/x?%74oken=hunter2":                          "http://db:80/x?%74oken=***",
		"exec:redis-cli -a hunter2 ping":                          "exec:redis-cli -a *** ping",
		"exec:x --password=hunter2 --token hunter2 -v":            "exec:x --password=*** --token *** -v",
		"exec:env PGPASSWORD=hunter2 pg_isready":                  "exec:env PGPASSWORD=*** pg_isready",
		"exec:curl -u me:hunter2 http://a:hunter2@b/?key=hunter2": "exec:curl -u *** http://***@b/?key=***",
		"exec:mysqladmin -phunter2 ping":                          "exec:mysqladmin -p*** ping",
		"exec:pg_isready -p 5432 -h db":                           "exec:pg_isready -p 5432 -h db",
		// The target is told in logs, records and answers of the API: so were these.
		`exec:psql "host=db password=hunter2 user=app" -c 'select 1'`: `exec:psql 'host=db password=*** user=app' -c 'select 1'`,
		`exec:curl -fH "Authorization: Bearer hunter2" http://b/`:     `exec:curl -fH 'Authorization: *** ***' http://b/`,
		`exec:sh -c "redis-cli -a hunter2 ping | grep -q PONG"`:       `exec:sh -c 'redis-cli -a *** ping | grep -q PONG'`,
		`exec:sh -c "pg_isready  -d postgres://a:hunter2@db/x"`:       `exec:sh -c 'pg_isready  -d postgres://***@db/x'`,
		`exec:env "PASSWORD=hunter2 hunter2" x`:                       `exec:env PASSWORD=*** x`,
	} {
		if got := parse(t, in).String(); got != want {
			t.Errorf("%s\n got %s\nwant %s", in, got, want)
		}
	}
}

func TestWithAddrFillsOnlyWhatIsOpen(t *testing.T) {
	addr := netip.MustParseAddrPort("[::ffff:172.17.0.2]:9000")
	for in, want := range map[string]string{
		"/health":            "http://172.17.0.2:9000/health",
		"http://:8080/x":     "http://172.17.0.2:8080/x",
		"http://db:8080/x":   "http://db:8080/x",
		"tcp://:1":           "tcp://172.17.0.2:1",
		"exec:pg_isready -q": "exec:pg_isready -q",
	} {
		if got := parse(t, in).WithAddr(addr).String(); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
	if got := parse(t, "/x").WithAddr(netip.AddrPortFrom(netip.Addr{}, 7)); got.Host != "" || got.Port != 7 {
		t.Errorf("%+v", got)
	}
}

func TestHostHeader(t *testing.T) {
	for in, want := range map[string]string{
		"http://db:80/":               "db",
		"https://db/":                 "db",
		"http://db:443/":              "db:443",
		"http://[::1]:8080/":          "[::1]:8080",
		"http://[fe80::1%25eth0]:80/": "[fe80::1]",
		"grpc://db:50051":             "db:50051",
	} {
		if got := parse(t, in).hostHeader(); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

// FuzzParse: what is read is written so that it is read the same again, unless
// something in it is masked.
func FuzzParse(f *testing.F) {
	f.Add("http://u:p@h:80/x?token=y")
	f.Add(`exec:a 'b c' "d\"e" f\ g`)
	f.Add("grpc://[::1]:1/s")
	f.Fuzz(func(t *testing.T, in string) {
		first, err := Parse(in, 80)
		if err != nil {
			return
		}
		text := first.String()
		if strings.Contains(text, masked) {
			return
		}
		second, err := Parse(text, 80)
		if err != nil && first.Protocol == Exec {
			t.Fatalf("%q: %q: %v", in, text, err)
		}
		if err == nil && second.String() != text {
			t.Fatalf("%q: %q, then %q", in, text, second.String())
		}
	})
}
