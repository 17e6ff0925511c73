package config

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// Each place where a secret may be, right and wrong. None is to be told, by
// whatever prints the configuration, nor by an error.
func TestSecretsAreNeverTold(t *testing.T) {
	for _, text := range []string{
		"watch: {dead_mans_switch: 'https://hc-ping.com/hunter2'}",
		"watch: {dead_mans_switch: 'ftp://hc-ping.com/hunter2'}",
		"watch: {dead_mans_switch: 'https://%hunter2'}",
		"watch: {listen: '${PW}'}",
		"watch: {listen: 'a:${PW}'}",
		"watch: {keep: '${PW}', keep_bytes: '${PW}', docker: '${PW}'}",
		"defaults: {probe: 'http://user:hunter2@:80/x?token=hunter2'}",
		"defaults: {probe: 'http://user:hunter2/x@:80/'}",
		"defaults: {probe: 'htp://user:hunter2@:80/'}",
		"defaults: {probe: '${PW}'}",
		"defaults: {probe: '${PW}:80/x'}",
		"defaults: {probe: 'http://:80/${PW}'}",
		"defaults: {probe: 'exec:mysqladmin --password=hunter2 ping'}",
		"defaults: {probe: 'exec:mysqladmin ${PW} ping'}",
		"defaults: {probe_file: /run/secrets/url}",
		"defaults: {expect: 'body == \"${PW}\"'}",
		"defaults: {expect: '${PW}'}",
		"defaults: {interval: '${PW}', retries: '${PW}', silence: '${PW}', ignore: '${PW}'}",
		"routes: [{name: a, to: 'smtp://user:hunter2@mail/?from=a&to=b'}]",
		"routes: [{name: a, to: 'smtp://user:hunter2@mail/'}]",
		"routes: [{name: a, to: 'smtp://user:hun%ter2@mail/?from=a&to=b hunter2'}]",
		"routes: [{name: a, to: 'slack://hunter2'}]",
		"routes: [{name: a, to: 'hunter2'}]",
		"routes: [{name: a, to: 'command:hunter2'}]",
		"routes: [{name: a, to: 'webhok+http://hunter2'}]",
		"routes: [{name: a, to: [hunter2]}]",
		"routes: [{name: a, to_file: /run/secrets/url}]",
		"routes: [{name: a, to: *hunter2}]",
		"routes: [{name: a, to: !hunter2 x}]",
		"routes: [{name: a, to: \"hunter2}]",
		"routes:\n  - name: a\n    to:smtp://user:hunter2@mail: x",
		"routes:\n  - name: a\n    to:smtp://user:hunter2@mail",
		"routes:\n  - smtp://user:hunter2@mail",
		"routes: smtp://user:hunter2@mail",
		"routes: [{name: a, to: 'ntfy://x', severities: '${PW}', kinds: '${PW}', quiet: {from: '${PW}', zone: '${PW}'}}]",
		"signals: {a: {source: 'postgres://u:hunter2@db/x', query: a, rule: b}}",
		"signals: {a: {source: 'postgre://u:hunter2@db/x', query: a, rule: b}}",
		"signals: {a: {source: 'hunter2', query: a, rule: b}}",
		"signals: {a: {source_file: /run/secrets/url, query: a, rule: b}}",
	} {
		c, err := read(text)
		var told strings.Builder
		if err != nil {
			fmt.Fprintf(&told, "%v %+v %#v", err, err, err)
			doc, _ := json.Marshal(err)
			told.Write(doc)
		} else {
			doc, err := json.Marshal(c)
			if err != nil {
				t.Fatal(err)
			}
			value, _ := json.Marshal(*c)
			e := c.Explain("web", nil)
			effective, _ := json.Marshal(e)
			fmt.Fprintf(&told, "%s %s %s %v %+v %#v %v %+v %#v", doc, value, effective, c, c, c, *c, *c, *c)
			fmt.Fprintf(&told, "%v %+v %v", struct{ c Config }{*c}, c.Signals, c.Watch)
			fmt.Fprintf(&told, "%+v %#v %v", c.services, c.routes, c.defaults)
			if err := e.Print(&told); err != nil {
				t.Fatal(err)
			}
		}
		if strings.Contains(told.String(), "hunter2") {
			t.Errorf("%s\ntells %s", text, &told)
		}
	}
}

func TestMasksKeepWhatIsNoSecret(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "hunter2": "xxxxx", "smtp://a:b@c": "smtp://xxxxx", "command:/bin/x?y": "command:xxxxx",
		"webhook+https://x/y": "webhook+https://xxxxx", "pass word://x": "xxxxx",
	} {
		if got := NewSecret(in).String(); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
	for in, want := range map[string]string{
		"http://:8080/health": "http://:8080/health", "http://u:p@:80/x": "http://xxxxx@:80/x", "http://:80/x?a=b": "http://:80/x?xxxxx",
		"tcp://db:5432": "tcp://db:5432", "/health": "/health", "exec:pg_isready -q": "exec:pg_isready -q", "none": "none",
		"exec:mysqladmin --password=x ping": "exec:mysqladmin --password=xxxxx ping",
	} {
		if got := maskProbe(in); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}
