package config

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/aweigh/aweigh/internal/expect"
	"github.com/aweigh/aweigh/internal/probe"
)

func FuzzLoad(f *testing.F) {
	whole, err := os.ReadFile("testdata/whole.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	for _, seed := range []string{"", layered, "a: *x", "services: &a\n  x: &b\n    <<: [*b, *a]\n", "services: &a {<<: *a}",
		"routes: [{name: a, to: 'ntfy://${PW:-x}'}]", "? [a]\n: b", "defaults: {expect: \"\\u00e9 == ${\"}", "x-a: &a [*a]\nroutes: *a",
		"defaults: {expect: 'é == 1'}", "watch: {keep: 1e300d, keep_bytes: nan}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := read(string(data))
		if err != nil {
			if c != nil || len(err.Error()) > 64<<10 {
				t.Fatalf("%d bytes of error", len(err.Error()))
			}
			for _, p := range err.(Problems) {
				if p.Message == "" || p.File == "" || p.Line < 0 || p.Line > 0 && p.Column < 1 {
					t.Fatalf("%+v", p)
				}
			}
			return
		}
		if _, err := json.Marshal(c); err != nil {
			t.Fatal(err)
		}
		for _, name := range append(c.Services(), "web") {
			checkEffective(t, c.Explain(name, nil))
		}
		for _, r := range c.Routes() {
			if r.Name == "" || r.URL == "" {
				t.Fatalf("%+v", r)
			}
		}
	})
}

func FuzzLabels(f *testing.F) {
	f.Add("aweigh.probe", "http://:8080/health", "aweigh.silence", "off")
	f.Add("aweigh.startup-timeout", "5s", "aweigh.startup_timeout", "6s")
	f.Add("aweigh.crash-loop.crashes", "3", "aweigh.expect", "status == 200")
	f.Add("aweigh.", "", "aweigh.probe-file", "x")
	f.Fuzz(func(t *testing.T, a, x, b, y string) {
		e := Default().Explain("web", map[string]string{a: x, b: y})
		checkEffective(t, e)
		for _, p := range e.Problems {
			if strings.ContainsAny(p.Error(), "\n\r\x1b") || len(p.Error()) > 8192 {
				t.Fatalf("%q", p.Error())
			}
		}
	})
}

// checkEffective: what is in force can be used as it is.
func checkEffective(t *testing.T, e Effective) {
	t.Helper()
	s := e.Settings
	if s.StartupTimeout < shortest || s.ConfirmWithin < shortest || s.Interval < shortest || s.Timeout < shortest || s.LoopWindow < shortest ||
		s.Settle < shortest || s.Retries < 1 || s.LoopCrashes < 2 || s.Brake < 0 || s.Silence < 0 || s.RemindEvery < 0 || s.EscalateAfter < 0 {
		t.Fatalf("%+v", s)
	}
	if s.Probe != "" && s.Probe != "none" {
		if _, err := probe.Parse(s.Probe, 0); err != nil {
			t.Fatal(err)
		}
	}
	if s.Expect != "" {
		if _, err := expect.Compile(s.Expect); err != nil {
			t.Fatal(err)
		}
	}
}
