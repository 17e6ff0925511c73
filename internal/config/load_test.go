package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/core"
	"github.com/aweigh/aweigh/internal/notify"
)

// env of all tests; nothing else is set.
var testEnv = map[string]string{"PW": "hunter2", "EMPTY": "", "PORT": "5003"}

func read(text string) (*Config, error) { return readWithin(text, 0) }

// readWithin reads with a budget of nodes.
func readWithin(text string, left int) (*Config, error) {
	lookup := func(name string) (string, bool) { v, ok := testEnv[name]; return v, ok }
	return parse([]byte(text), &reader{left: left, file: "aweigh.yaml", dir: "/etc/aweigh", env: lookup, readFile: func(path string) (string, error) {
		if path == "/run/secrets/url" {
			return "smtp://user:hunter2@mail/?from=a&to=b", nil
		}
		return "", errors.New("cannot read " + path + ": no such file or directory")
	}})
}

func mustRead(t *testing.T, text string) *Config {
	t.Helper()
	c, err := read(text)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTheWholeFileIsRead(t *testing.T) {
	data, err := os.ReadFile("testdata/whole.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c := mustRead(t, string(data))
	if got := c.Watch.DeadMansSwitch.Reveal(); got != "https://hc-ping.com/hunter2" {
		t.Errorf("dead man's switch: %q", got)
	}
	c.Watch.DeadMansSwitch = Secret{}
	wantWatch := Watch{Listen: "127.0.0.1:7423", State: "/var/lib/aweigh", Docker: "unix:///var/run/docker.sock",
		Records: []string{"/var/lib/aweigh-run", "/etc/aweigh/records"}, Keep: 90 * 24 * time.Hour, KeepBytes: 2 << 30}
	if !reflect.DeepEqual(c.Watch, wantWatch) {
		t.Errorf("watch: %+v", c.Watch)
	}
	got, problems := c.For("webhook", nil)
	want := core.Settings{Probe: "http://:5003/health", Expect: "status == 200", StartupTimeout: 90 * time.Second,
		ConfirmWithin: time.Minute, Interval: 5 * time.Second, Timeout: 2 * time.Second, Retries: 4, LoopCrashes: 5,
		LoopWindow: 6 * time.Minute, Brake: 20, Settle: 3 * time.Minute, EscalateAfter: 30 * time.Minute, Rollout: core.Defaults().Rollout}
	if got != want || problems != nil {
		t.Errorf("webhook: %+v %v", got, problems)
	}
	wantRoutes := []notify.Route{{Name: "ops", URL: "smtp://user:hunter2@mail:587/?from=a&to=b", Services: []string{"webhook"},
		Kinds: []string{"crash-loop", "signal:*"}, Severities: []aweigh.Severity{"critical"}, Occasions: []aweigh.Occasion{"opened", "resolved"},
		Quiet: &notify.QuietHours{From: "22:00", To: "07:00", Zone: "Europe/Berlin"}},
		{Name: "boss", URL: "smtp://user:hunter2@mail/?from=a&to=b", Escalation: true, Drills: true}}
	if got := c.Routes(); !reflect.DeepEqual(got, wantRoutes) {
		t.Errorf("routes: %+v", got)
	}
	if got := c.RouteOrigin("boss").String(); got != "aweigh.yaml:38" {
		t.Errorf("origin of a route: %s", got)
	}
	s := c.Signals[0]
	if s.Source.Reveal() != "sqlite:///data/webhook.db" || s.Window != 6*time.Hour || s.Hold != 2*time.Minute || s.Missing != "alert" || s.Severity != aweigh.Warning || s.Name != "linkage" {
		t.Errorf("signal: %+v", s)
	}
}

func TestNothingSaidIsTheDefaults(t *testing.T) {
	for _, text := range []string{"", "# nothing\n", "---\n", "services:\n", "services:\n  web:\n", "watch: {}\ndefaults:\nroutes: []\nsignals: ~\n"} {
		got, problems := mustRead(t, text).For("web", nil)
		if got != core.Defaults() || problems != nil {
			t.Errorf("%q: %+v %v", text, got, problems)
		}
	}
}

func TestDocumentedDefaultsAreInForce(t *testing.T) {
	var s core.Settings
	for _, f := range serviceFields() {
		if f.Default == "" {
			continue
		}
		if err := f.set(&s, f.Default); err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
	}
	if s != core.Defaults() {
		t.Errorf("documented %+v\nin force  %+v", s, core.Defaults())
	}
	signal := Signal{}
	for _, f := range signalFields() {
		if f.Default != "" {
			if err := f.set(&signal, f.Default); err != nil {
				t.Errorf("%s: %v", f.Name, err)
			}
		}
	}
	if want := defaultSignal(); !reflect.DeepEqual(signal, want) {
		t.Errorf("documented %+v\nin force  %+v", signal, want)
	}
}

func TestMistakesAreToldWithPlaceAndRemedy(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"wach: {}", `1:1: there is no key "wach": did you mean "watch"?`},
		{"services:\n  web:\n    intervall: 5s", `3:5: services.web: there is no key "intervall": did you mean "interval"?`},
		{"services:\n  web:\n    startup-timeout: 5s", `did you mean "startup_timeout"?`},
		{"services:\n  web:\n    crash_loop: {crash: 3}", `3:18: services.web.crash_loop: there is no key "crash": did you mean "crashes"?`},
		{"watch: {zzz: 1}", `1:9: watch: there is no key "zzz": the keys here are listen, state,`},
		{"defaults: {interval: 5}", `1:22: defaults.interval: "5": a duration needs a unit: 5s, 5m`},
		{"defaults: {interval: 1ms}", `too short`},
		{"defaults: {interval: -1s}", `cannot be negative`},
		{"defaults: {silence: soon}", `not a duration: write 90s, 2m, 1h30m or 30d, or off`},
		{"defaults: {retries: 0}", `"0": write a number from 1 to 1000`},
		{"defaults: {ignore: maybe}", `"maybe": write true or false`},
		{"defaults: {interval: }", `1:22: defaults.interval: the value is missing`},
		{"defaults: {interval: [5s]}", `1:22: defaults.interval: one value is expected here, not a list`},
		{"defaults: {interval: {a: b}}", `one value is expected here, not keys with values`},
		{"defaults: {interval: !secret x}", `a tag has no meaning here`},
		{"defaults: [a]", `1:11: defaults: keys with values are expected here, not a list`},
		{"defaults: {interval: 5s, interval: 6s}", `1:26: defaults: "interval" is here twice`},
		{"defaults: {probe: localhost:5003}", `1:19: defaults.probe: the probe has no protocol: did you mean tcp://localhost:5003?`},
		{"defaults: {expect: 'status = 200'}", `1:28: defaults.expect: `},
		{"defaults: {expect: \"statsu == 200\"}", `1:21: defaults.expect: unknown name "statsu": did you mean "status"?`},
		{"defaults:\n  expect: ${NOT} == 1", `2:11: defaults.expect: the variable NOT is not set: set it, or write ${NOT:-default}`},
		{"defaults:\n  expect: 'status == ${NOT'", `2:22: defaults.expect: a ${ is not closed`},
		{"defaults:\n  expect: status == $NOT", `2:21: defaults.expect: a variable is written ${NAME}`},
		{"defaults:\n  interval: ${}", `the variable has no name`},
		{"services:\n  'web[': {}", `2:3: services: not a pattern`},
		{"routes: {}", `1:9: routes: a list is expected here`},
		{"routes:\n  - to: slack://x", `2:5: routes[0]: name is missing`},
		{"routes:\n  - name: a", `routes[0]: to is missing`},
		{"routes:\n  - {name: a, to: 'ntfy://x', to_file: /run/secrets/url}", `to and to_file exclude each other`},
		{"routes:\n  - {name: a, to_file: secret}", `routes[0].to_file: cannot read /etc/aweigh/secret: no such file`},
		{"routes:\n  - {name: a, to: 'ntfy://x'}\n  - {name: a, to: 'ntfy://y'}", `3:5: routes[1]: there are two routes of this name`},
		{"routes:\n  - {name: a, to: 'smtp://mail'}", `write smtp://[user:password@]host:port/?to=A,B`},
		{"routes:\n  - {name: a, to: 'https://x'}", `write webhook+https://`},
		{"routes:\n  - {name: a, to: 'webhok+https://x'}", `there is no such route`},
		{"routes:\n  - {name: a, to: 'command:tell'}", `write the absolute path of the program`},
		{"routes:\n  - {name: a, to: 'ntfy://x', kinds: [crash-lop]}", `2:39: routes[0].kinds: "crash-lop": did you mean "crash-loop"?`},
		{"routes:\n  - name: a\n    to: ntfy://x\n    kinds: [crash-loop, 'signal:lnkage']\nsignals: {linkage: {source: 'http://x', rule: a}}", `4:25: routes[0].kinds: there is no signal "lnkage"`},
		{"objectives:\n  o:\n    kind: signal\n    signal: lnkage\nsignals: {linkage: {source: 'http://x', rule: a}}", `4:13: objectives.o.signal: there is no signal "lnkage"`},
		{"routes:\n  - {name: a, to: 'ntfy://x', kinds: 'signal:lnkage'}\nsignals:\n  linkage: {source: 'http://x', rule: a}", `there is no signal "lnkage": did you mean "linkage"?`},
		{"routes:\n  - {name: a, to: 'ntfy://x', quiet: {from: '22:00'}}", `quiet hours need a from and a to`},
		{"routes:\n  - {name: a, to: 'ntfy://x', quiet: {from: '9pm', to: '07:00'}}", `not a time of day`},
		{"routes:\n  - {name: a, to: 'ntfy://x', quiet: {zone: Europe/Berln}}", `there is no such time zone`},
		{"signals:\n  a: {source: 'sqlit:///x', rule: a, query: b}", `did you mean "sqlite"?`},
		{"signals:\n  a: {source: 'sqlite:///x', rule: a}", `the query is missing`},
		{"signals:\n  a: {source: 'http://x'}", `rule is missing`},
		{"signals:\n  'a b': {}", `2:3: signals: a signal's name has`},
		{"signals:\n  a: {source: 'http://x', rule: a, missing: alrt}", `did you mean "alert"?`},
		{"watch: {listen: '7423'}", `not an address`},
		{"watch: {docker: /var/run/docker.sock}", `not an engine`},
		{"watch: {keep_bytes: much}", `not a size`},
		{"watch: {dead_mans_switch: 'ping'}", `write an http:// or https:// URL`},
		{"a: b\n c: d", `2:3: not valid YAML: a key is not expected here`},
		{"a:\n\tb: c", `2:1: not valid YAML: no value begins with this character: indent with blanks`},
		{"a: \"b", `1:4: not valid YAML: the quote that begins here is not closed`},
		{"a: [1, 2\nb: 3\n", `2:2: not valid YAML: did not find expected ',' or ']'`},
		{"a: *x", `1:4: not valid YAML: there is no anchor of this name; a value that begins with * needs quotes`},
		{"watch: {}\n---\nwatch: {}", `2:1: a second document begins here`},
		{strings.Repeat("[", 11000), `nested too deeply`},
		{strings.Repeat("#", maxFile+1), `larger than 1MiB`},
		{"defaults: {<<: 1}", `<< takes in the keys of an alias`},
	} {
		_, err := read(c.text)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "aweigh.yaml:") {
			t.Errorf("%.80s\n got %v\nwant %s", c.text, err, c.want)
		}
	}
}

func TestAllMistakesAreToldAtOnceUpToTen(t *testing.T) {
	text := "services:\n"
	for i := range 12 {
		text += fmt.Sprintf("  web%d: {retries: x}\n", i)
	}
	_, err := read(text)
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 11 || !strings.HasPrefix(lines[9], "aweigh.yaml:11:") || lines[10] != "and 2 more" {
		t.Errorf("got\n%v", err)
	}
}

func TestVariables(t *testing.T) {
	for in, want := range map[string]string{
		"a${PW}b": "ahunter2b", "${NOT:-x y}": "x y", "${EMPTY:-x}": "x", "${EMPTY}": "", "${PW:-x}": "hunter2",
		"$$": "$", "$${PW}": "${PW}", "^ok$": "^ok$", "id = $1": "id = $1", "$$$$": "$$", "${NOT:-}": "", "a$": "a$",
	} {
		got, _, _, err := expand(in, func(name string) (string, bool) { v, ok := testEnv[name]; return v, ok })
		if got != want || err != nil {
			t.Errorf("%s: got %q, %v, want %q", in, got, err, want)
		}
	}
	c := mustRead(t, "defaults: {probe: 'http://:${PORT}/health', retries: '${N:-7}'}")
	if s, _ := c.For("web", nil); s.Probe != "http://:5003/health" || s.Retries != 7 {
		t.Errorf("got %+v", s)
	}
}

func TestAnchorsAndMergesWorkAsInComposeFiles(t *testing.T) {
	c := mustRead(t, "x-web: &web {retries: 9, settle: 9m}\nservices:\n  a:\n    <<: *web\n    settle: 1m\n  b: *web\n  c: {<<: [*web]}\n")
	a, _ := c.For("a", nil)
	b, _ := c.For("b", nil)
	if a.Retries != 9 || a.Settle != time.Minute || b.Settle != 9*time.Minute {
		t.Errorf("a %+v\nb %+v", a, b)
	}
}

func TestAliasesDoNotMultiplyWithoutBound(t *testing.T) {
	var text strings.Builder
	text.WriteString("x-a: &a {retries: 1, settle: 1m, interval: 1s, timeout: 1s, silence: 1s}\nservices:\n")
	for i := range 500 {
		fmt.Fprintf(&text, "  s%d: *a\n", i)
	}
	if _, err := readWithin(text.String(), 1000); err == nil || !strings.Contains(err.Error(), "too many aliases") {
		t.Errorf("got %v", err)
	}
	// The fuzzer's: merges of merges of itself took 4^10 steps.
	for _, text := range []string{"services: &a\n  x: &b\n    <<: [*b, *a]\n", "services:\n  x: &b\n    <<: [*b, *b, *b, *b, *b, *b, *b, *b]\n"} {
		began := time.Now()
		if _, err := readWithin(text, 10000); err == nil {
			t.Error("a merge of itself was accepted")
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("took %s", took)
		}
	}
}

func TestLoadReadsFilesBesideIt(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "pw"), "smtp://u:hunter2@mail/?from=a&to=b\n")
	write(t, filepath.Join(dir, "aweigh.yaml"), "routes:\n  - {name: a, to_file: pw}\n")
	c, err := Load(filepath.Join(dir, "aweigh.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Routes()[0].URL; got != "smtp://u:hunter2@mail/?from=a&to=b" {
		t.Errorf("got %q", got)
	}
	if _, err := Load(filepath.Join(dir, "none.yaml")); err == nil || !strings.Contains(err.Error(), "none.yaml: no such file") {
		t.Errorf("got %v", err)
	}
	if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), "is not a file") {
		t.Errorf("got %v", err)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
