package gather

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/aweigh/aweigh/internal/diagnose"
)

func TestTheDependenciesThatAnOutputComplainsAboutAreFound(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"dial tcp 172.18.0.2:5432: connect: connection refused", "172.18.0.2:5432"},
		{"dial tcp: lookup db on 127.0.0.11:53: no such host", "db"},
		{`psycopg2.OperationalError: could not translate host name "db" to address: Name or service not known`, "db"},
		{"Error: connect ECONNREFUSED 10.0.0.5:6379", "10.0.0.5:6379"},
		{"Error: getaddrinfo ENOTFOUND redis", "redis"},
		{"getaddrinfo EAI_AGAIN kafka.example.com", "kafka.example.com"},
		{"cannot connect to postgres://app:s3cret@db.internal:5432/app?sslmode=disable: timeout", "db.internal:5432"},
		{"java.net.UnknownHostException: broker: Name or service not known", "broker"},
		{"connection to server at \"[2001:db8::1]:5432\" timed out", "[2001:db8::1]:5432"},
		// What is none of them.
		{"listen tcp 0.0.0.0:8080: bind: address already in use", ""},
		{"12:00:03 connect failed at server.js:31", ""},
		{"2026-11-23T10:11:12 INFO waiting for 3 workers", ""},
		{"Traceback: File app.py:12, in connect", ""},
		{"GET http://example.com:80/ 200", ""},
		{"(node:31) Warning: NODE_TLS_REJECT_UNAUTHORIZED makes TLS connections insecure", ""},
		{"worker:1 waiting for jobs, attempt:3", ""},
	} {
		got := strings.Trim(fmt.Sprint(targets([]byte(c.line+"\n"))), "[]")
		if c.want == "[2001:db8::1]:5432" {
			got = "[" + got
		}
		if got != c.want {
			t.Errorf("%s: found %q, want %q", c.line, got, c.want)
		}
	}
}

// An entrypoint waits for the server that it began, which is no dependency.
func TestAServiceIsNoDependencyOfItsOwn(t *testing.T) {
	port := closedPort(t)
	for own, want := range map[int]int{port: 0, 1: 1} {
		f := &Found{}
		f.Evidence.Output = fmt.Appendf(nil, "waiting for http://127.0.0.1:%d/health\n", port)
		f.Evidence.ExpectedPort = own
		f.Dependencies(t.Context())
		if len(f.Live.Reach) != want {
			t.Errorf("with port %d: %+v", own, f.Live.Reach)
		}
	}
}

// A log may be written by somebody who wants us to knock on doors.
func TestOnlyAFewOfManyDependenciesAreTried(t *testing.T) {
	var log strings.Builder
	for n := range 5000 {
		fmt.Fprintf(&log, "connect to 10.0.%d.%d:80 refused\n", n/250, n%250)
	}
	if got := targets([]byte(log.String())); len(got) != maxTargets {
		t.Errorf("%d are tried: %v", len(got), got)
	}
}

func TestADependencyIsTriedAndTold(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	open := l.Addr().(*net.TCPAddr)
	closed := closedPort(t)
	here := onHost()
	here.resolve = func(_ context.Context, host string) ([]netip.Addr, error) {
		if host == "db" {
			return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
		}
		return nil, errors.New("no such host")
	}
	for _, c := range []struct {
		target target
		want   diagnose.Outcome
		text   string
	}{
		{target{"127.0.0.1", open.Port}, diagnose.Accepts, "accepts connections now"},
		{target{"db", open.Port}, diagnose.Accepts, "(127.0.0.1)"},
		{target{"db", closed}, diagnose.Refuses, "refuses connections"},
		{target{"nowhere", 80}, diagnose.Unresolved, "the name nowhere has no address"},
	} {
		r := here.try(t.Context(), c.target)
		if r.Outcome != c.want || !strings.Contains(r.Text, c.text) {
			t.Errorf("%s: %+v, want %s, %q", c.target, r, c.want, c.text)
		}
	}
}

// closedPort is one that nobody listens on.
func closedPort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func FuzzTargets(f *testing.F) {
	f.Add("dial tcp [::1]:80: refused\nlookup \"")
	f.Fuzz(func(t *testing.T, log string) {
		for _, found := range targets([]byte(log)) {
			if found.port < 0 || found.port > 65535 || !isHost(found.host) {
				t.Errorf("%q gave %+v", log, found)
			}
		}
	})
}
