package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aweigh/aweigh"
)

// call is a request that a server received.
type call struct {
	method, path, query, user string
	header                    http.Header
	body                      string
}

// receiver answers with status, and keeps what it was called with.
func receiver(t *testing.T, status int) (address string, calls chan call) {
	t.Helper()
	calls = make(chan call, 100)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		user, _, _ := r.BasicAuth()
		calls <- call{r.Method, r.URL.Path, r.URL.RawQuery, user, r.Header, string(body)}
		w.Header().Set("Location", "/elsewhere?token=S3CRETVALUE")
		w.WriteHeader(status)
		// As ntfy and Gotify say it.
		fmt.Fprintf(w, `{"code":%d01,"http":%d,"error":"refused","errorCode":%d,"errorDescription":"because"}`, status, status, status)
	}))
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://"), calls
}

func TestAWebhookIsTheNotificationSigned(t *testing.T) {
	address, calls := receiver(t, 204)
	n := crashLoop(aweigh.OnOpened)
	hook := sender(t, "webhook+http://me:pw@"+address+"/in?channel=a%2Fb&secret=S3CRETVALUE")
	if err := send(t, hook, Compose(n)); err != nil {
		t.Fatal(err)
	}
	c := <-calls
	if c.method != "POST" || c.path != "/in" || c.query != "channel=a%2Fb" || c.user != "me" {
		t.Errorf("%+v", c)
	}
	var got aweigh.Notification
	if err := json.Unmarshal([]byte(c.body), &got); err != nil || got.ID != n.ID || got.Incident.Kind != aweigh.CrashLoop || len(got.Incident.Evidence) != 6 {
		t.Errorf("body %s: %v", c.body, err)
	}
	if c.header.Get(SignatureHeader) != "sha256="+Sign("S3CRETVALUE", c.header.Get(TimestampHeader), []byte(c.body)) {
		t.Errorf("signature %q", c.header.Get(SignatureHeader))
	}
	if at, err := strconv.ParseInt(c.header.Get(TimestampHeader), 10, 64); err != nil || time.Since(time.Unix(at, 0)) > time.Minute {
		t.Errorf("timestamp %q", c.header.Get(TimestampHeader))
	}
	if c.header.Get(DeliveryHeader) != n.ID || c.header.Get(OccasionHeader) != "opened" || c.header.Get("Content-Type") != "application/json" {
		t.Errorf("headers %v", c.header)
	}
}

// The receiver in docs/notifications.md, run by Python.
func TestAWebhooksSignatureIsVerifiedAsDocumented(t *testing.T) {
	need(t, "/usr/bin/python3")
	docs, err := os.ReadFile("../../docs/notifications.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(docs), "```python\n")
	source, _, closed := strings.Cut(rest, "```")
	if !found || !closed {
		t.Fatal("docs/notifications.md has no Python")
	}
	address, calls := receiver(t, 200)
	if err := send(t, sender(t, "webhook+http://"+address+"/?secret=S3CRETVALUE"), Compose(crashLoop(aweigh.OnOpened))); err != nil {
		t.Fatal(err)
	}
	c := <-calls
	for _, test := range []struct{ secret, body, want string }{{"S3CRETVALUE", c.body, "True"}, {"other", c.body, "False"}, {"S3CRETVALUE", c.body + " ", "False"}} {
		cmd := exec.Command("/usr/bin/python3", "-c", source+"\nimport sys\nprint(genuine(sys.argv[1], {'"+TimestampHeader+"': sys.argv[2], '"+SignatureHeader+"': sys.argv[3]}, sys.stdin.buffer.read()))",
			test.secret, c.header.Get(TimestampHeader), c.header.Get(SignatureHeader))
		cmd.Stdin = strings.NewReader(test.body)
		out, err := cmd.CombinedOutput()
		if strings.TrimSpace(string(out)) != test.want {
			t.Errorf("Python says %q, want %s: %v", out, test.want, err)
		}
	}
}

func TestHTTPAnswersArePermanentOrNot(t *testing.T) {
	for status, permanent := range map[int]bool{302: true, 400: true, 401: true, 404: true, 410: true, 408: false, 429: false, 500: false, 503: false} {
		for _, scheme := range []string{"webhook", "alertmanager"} {
			address, _ := receiver(t, status)
			err := send(t, sender(t, scheme+"+http://"+address+"/S3CRETVALUE"), Compose(crashLoop(aweigh.OnOpened)))
			if err == nil || err.Permanent != permanent || !strings.Contains(err.Why, strconv.Itoa(status)) || strings.Contains(err.Why, "S3CRETVALUE") {
				t.Errorf("%s, %d: %+v, want permanent %v", scheme, status, err, permanent)
			}
		}
	}
}

func TestAWebhookKeepsItsConnection(t *testing.T) {
	conns := 0
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			conns++
		}
	}
	s.Start()
	defer s.Close()
	hook := sender(t, "webhook+"+s.URL)
	for range 5 {
		if err := send(t, hook, Compose(crashLoop(aweigh.OnOpened))); err != nil {
			t.Fatal(err)
		}
	}
	if conns != 1 {
		t.Errorf("%d connections for 5 calls", conns)
	}
}

func TestACommandGetsArgumentsJSONAndEnvironment(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "tell me")
	os.WriteFile(program, []byte("#!/bin/sh\nfor a; do echo \"arg=$a\"; done >\""+dir+"/out\"\nenv >>\""+dir+"/out\"\ncat >\""+dir+"/json\"\n"), 0o755)
	t.Setenv("AWEIGH_PASSWORD", "S3CRETVALUE")
	n := hostile()
	c := sender(t, "command:"+strings.ReplaceAll(program, " ", "%20")+"?arg=%24(touch+"+dir+"/shell)&arg=two+words")
	if err := send(t, c, Compose(n)); err != nil {
		t.Fatal(err)
	}
	text, _ := os.ReadFile(dir + "/out")
	out := strings.Split(string(text), "\n")
	for _, line := range []string{"arg=$(touch " + dir + "/shell)", "arg=two words", "AWEIGH_KIND=crash-loop", "AWEIGH_SEVERITY=critical", "AWEIGH_OCCASION=opened", "AWEIGH_COMMAND=rm -rf / reboot"} {
		if !slices.Contains(out, line) {
			t.Errorf("%q is missing in\n%s", line, text)
		}
	}
	if strings.Contains(string(text), "S3CRETVALUE") {
		t.Error("our own environment was handed on")
	}
	body, _ := os.ReadFile(dir + "/json")
	var got aweigh.Notification
	if err := json.Unmarshal(body, &got); err != nil || got.Title != n.Title {
		t.Errorf("stdin %q: %v", body, err)
	}
	if _, err := os.Stat(dir + "/shell"); err == nil {
		t.Error("a shell was at work")
	}
}

func TestACommandsFailureShowsTheEndOfItsOutput(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad")
	os.WriteFile(bad, []byte("#!/bin/sh\nyes | head -c 100000\necho \"no route to pager, token $1\" >&2\nexit 3\n"), 0o755)
	err := send(t, sender(t, "command:"+bad+"?arg=S3CRETVALUE"), Compose(crashLoop(aweigh.OnOpened)))
	if err == nil || err.Permanent || !strings.Contains(err.Why, "exit status 3") || !strings.Contains(err.Why, "no route to pager") || len(err.Why) > 800 || strings.Contains(err.Why, "S3CRETVALUE") {
		t.Errorf("%+v", err)
	}
	slow := filepath.Join(dir, "slow")
	os.WriteFile(slow, []byte("#!/bin/sh\nsleep 60 &\necho $! >"+dir+"/pid\nwait\n"), 0o755)
	began := time.Now()
	err = send(t, sender(t, "command:"+slow+"?timeout=300ms"), Compose(crashLoop(aweigh.OnOpened)))
	if err == nil || !strings.Contains(err.Why, "not done after 300ms") || time.Since(began) > 5*time.Second {
		t.Errorf("%+v after %v", err, time.Since(began))
	}
	if pid, _ := os.ReadFile(dir + "/pid"); len(pid) > 0 {
		waitGone(t, strings.TrimSpace(string(pid)))
	}
}

func waitGone(t *testing.T, pid string) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		stat, err := os.ReadFile("/proc/" + pid + "/stat")
		if err != nil || strings.Contains(string(stat), ") Z ") {
			return
		}
	}
	t.Errorf("what the command had started (pid %s) lives on", pid)
}

func TestShoutrrrReachesServices(t *testing.T) {
	for name, c := range map[string]struct {
		url  string // %s is the address
		path string
		says func(call) bool
	}{
		"ntfy":         {"ntfy://%s/alerts?scheme=http", "/alerts", func(c call) bool { return c.header.Get("Title") == "Critical: webhook on aws-1" }},
		"gotify":       {"gotify://%s/AbCdEf123456789?disabletls=yes", "/message", func(c call) bool { return strings.Contains(c.body, `"title": "Critical: webhook on aws-1"`) }},
		"generic":      {"generic://%s/hook?disabletls=yes&template=json", "/hook", func(c call) bool { return strings.Contains(c.body, `"title":"Critical: webhook on aws-1"`) }},
		"generic+http": {"generic+http://%s/hook", "/hook", func(c call) bool { return true }},
		"mattermost":   {"mattermost://%s/tokentokentoken?disabletls=yes", "/hooks/tokentokentoken", func(c call) bool { return true }},
	} {
		t.Run(name, func(t *testing.T) {
			address, calls := receiver(t, 200)
			s := sender(t, fmt.Sprintf(c.url, address))
			if !s.Digests {
				t.Error("people read it")
			}
			if err := send(t, s, Compose(crashLoop(aweigh.OnOpened))); err != nil {
				t.Fatal(err)
			}
			got := <-calls
			if got.path != c.path || !strings.Contains(got.body, "port 5003 is in use by nginx") || !c.says(got) {
				t.Errorf("%+v", got)
			}
			// The title of one message must not stay for the next.
			if err := send(t, s, Compose(crashLoop(aweigh.OnResolved))); err != nil {
				t.Fatal(err)
			}
			if got := <-calls; strings.Contains(got.body+got.header.Get("Title"), "Critical") {
				t.Errorf("the resolution says: %+v", got)
			}
		})
	}
}

func TestShoutrrrsErrorsAreOurs(t *testing.T) {
	for _, form := range []string{"ntfy://me:S3CRETVALUE@%s/alerts?scheme=http", "gotify://%s/AS3CRETVALUE123?disabletls=yes", "generic://%s/S3CRETVALUE?disabletls=yes", "mattermost://%s/S3CRETVALUE?disabletls=yes"} {
		for status, permanent := range map[int]bool{401: true, 404: true, 500: false} {
			address, _ := receiver(t, status)
			err := send(t, sender(t, fmt.Sprintf(form, address)), Compose(crashLoop(aweigh.OnOpened)))
			if err == nil || !strings.Contains(err.Why, strconv.Itoa(status)) || err.Permanent != permanent || strings.Contains(err.Why, "S3CRET") {
				t.Errorf("%s, %d: %+v", form, status, err)
			}
		}
		err := send(t, sender(t, fmt.Sprintf(form, "127.0.0.1:1")), Compose(crashLoop(aweigh.OnOpened)))
		if err == nil || !strings.Contains(err.Why, "refused") || err.Permanent || strings.Contains(err.Why, "S3CRET") {
			t.Errorf("%s, nobody there: %+v", form, err)
		}
	}
}

func TestAnIncidentIsOneThingToPagerDuty(t *testing.T) {
	sender(t, "pagerduty://events.pagerduty.com/0123456789abcdef0123456789abcdef") // is taken
	c := &chat{scheme: "pagerduty", fields: []string{"severity", "source", "action", "dedup_key"}}
	c.url, _ = url.Parse("pagerduty://h/k")
	open, over := *c.params(Compose(crashLoop(aweigh.OnOpened))), *c.params(Compose(crashLoop(aweigh.OnResolved)))
	if open["dedup_key"] == "" || open["dedup_key"] != over["dedup_key"] || open["action"] != "" || over["action"] != "resolve" || open["severity"] != "critical" {
		t.Errorf("%v, then %v", open, over)
	}
}

func TestParseSaysWhatIsWrongAndNoSecret(t *testing.T) {
	for url, want := range map[string]string{
		"":     "its url is not one",
		"smtp": "its url is not one",
		"smtp://me:S3CRETVALUE/x@mx:25/?to=a@b.c":             "%40",
		"smtp://me:S3CRETVALUE@mx:99999/?to=a@b.c":            "port",
		"smtp://me:S3CRETVALUE@mx:25/":                        "names no recipient",
		"smtp://me:S3CRETVALUE@/?to=a@b.c":                    "names no host",
		"smtp://me:S3CRETVALUE@mx/?to=nobody":                 "to=nobody is not a list of addresses",
		"smtp://me:S3CRETVALUE@mx/?to=a@b.c&from=x":           "from=x is not an address",
		"smtp://me:S3CRETVALUE@mx/?to=a@b.c&tls=no":           `unknown parameter "tls": it may be from, to, starttls`,
		"smtp://me:S3CRETVALUE@mx/?to=a@b.c&starttls=x":       "never, opportunistic or required",
		"smtp://me@mx/?to=a@b.c":                              "needs a password",
		"smtps://mx/?to=a@b.c&starttls=never":                 "smtps is TLS from the beginning",
		"smtp://mx/?to=a@b.c%0d%0aBcc:x@y.z":                  "not a list of addresses",
		"webhook+http:///x?secret=S3CRETVALUE":                "names no host",
		"webhook+http://h/?secret_file=/nowhere/S":            "no such file",
		"webhook+http://h/?secret=S3CRETVALUE&secret_file=/x": "keep one",
		"alertmanager+http:":                                  "names no host",
		"command:relative?arg=S3CRETVALUE":                    "whole path",
		"command:/nowhere/x?arg=S3CRETVALUE":                  "no such file",
		"command:/etc/passwd?arg=S3CRETVALUE":                 "permission denied",
		"command:/bin/true?args=S3CRETVALUE":                  `unknown parameter "args"`,
		"command:/bin/true?timeout=S":                         "not a duration",
		"carrierpigeon://S3CRETVALUE@h":                       "carrierpigeon: is no protocol",
		"telegram://S3CRETVALUE@telegram?chats=x":             "telegram: shoutrrr does not take this URL",
		"discord://S3CRETVALUE@":                              "discord: shoutrrr does not take",
		"slack://S3CRETVALUE":                                 "slack: shoutrrr does not take",
		"http://example.com/S3CRETVALUE":                      "no protocol that is known",
	} {
		_, err := Parse(Route{Name: "the route", URL: url})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), `"the route"`) || strings.Contains(err.Error(), "S3CRETVALUE") {
			t.Errorf("%s\n got %v\nwant %s", url, err, want)
		}
	}
	for _, r := range []Route{{Services: []string{"["}}, {Kinds: []string{"[a"}}, {Quiet: &QuietHours{From: "25:00", To: "1:00"}}, {Quiet: &QuietHours{From: "22:00", To: "22:00"}}, {Quiet: &QuietHours{From: "22:00", To: "07:00", Zone: "Mars/Base"}}} {
		r.URL = "command:/bin/true"
		if _, err := Parse(r); err == nil {
			t.Errorf("%+v was taken", r)
		}
	}
}

func TestParseTalksToNobody(t *testing.T) {
	address, calls := receiver(t, 200)
	for _, url := range []string{"matrix://user:password@" + address + "/?rooms=a&disabletls=yes", "ntfy://" + address + "/a?scheme=http"} {
		sender(t, url)
	}
	select {
	case c := <-calls:
		t.Errorf("it called %s", c.path)
	default:
	}
}

func TestPing(t *testing.T) {
	address, calls := receiver(t, 200)
	url := "http://" + address + "/S3CRETVALUE?x=1"
	for pulse, path := range map[Pulse]string{Alive: "/S3CRETVALUE", Failing: "/S3CRETVALUE/fail", Starting: "/S3CRETVALUE/start"} {
		if err := Ping(t.Context(), url, pulse, ""); err != nil {
			t.Fatal(err)
		}
		if c := <-calls; c.path != path || c.query != "x=1" || c.method != "GET" {
			t.Errorf("%+v", c)
		}
	}
	if err := Ping(t.Context(), url, Alive, "2 services watched"); err != nil {
		t.Fatal(err)
	}
	if c := <-calls; c.method != "POST" || c.body != "2 services watched" {
		t.Errorf("%+v", c)
	}
	for _, bad := range []string{"http://127.0.0.1:1/S3CRETVALUE", "S3CRETVALUE", "ftp://h/S3CRETVALUE"} {
		if err := Ping(t.Context(), bad, Alive, ""); err == nil || strings.Contains(err.Error(), "S3CRET") {
			t.Errorf("%s: %v", bad, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Ping(ctx, url, Alive, ""); err == nil {
		t.Error("a ping that was called off succeeded")
	}
}
