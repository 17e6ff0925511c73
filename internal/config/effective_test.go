package config

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
)

const layered = `
defaults: {retries: 1, settle: 1m, interval: 1s, timeout: 1s, silence: 1m}
services:
  web1: {retries: 5, settle: 5m}
  "web?": {retries: 4, settle: 4m, interval: 4s}
  "web*": {retries: 3, settle: 3m, interval: 3s, timeout: 3s}
  "*": {retries: 2, settle: 2m, interval: 2s, timeout: 2s, silence: 2m}
`

func TestTheMostSpecificWins(t *testing.T) {
	c := mustRead(t, layered)
	s, problems := c.For("web1", map[string]string{"aweigh.retries": "6", "other": "x"})
	if problems != nil {
		t.Fatal(problems)
	}
	if s.Retries != 6 || s.Settle != 5*time.Minute || s.Interval != 4*time.Second || s.Timeout != 3*time.Second || s.Silence != 2*time.Minute {
		t.Errorf("got %+v", s)
	}
	if s, _ := c.For("db", nil); s.Retries != 2 || s.Timeout != 2*time.Second {
		t.Errorf("db: got %+v", s)
	}
}

func TestEachValueTellsItsOrigin(t *testing.T) {
	e := mustRead(t, layered).Explain("web1", map[string]string{"aweigh.crash-loop.crashes": "9"})
	got := map[string]string{}
	for _, v := range e.Values {
		got[v.Key] = v.Text + " from " + v.Origin.String()
	}
	for key, want := range map[string]string{
		"crash_loop.crashes": "9 from label aweigh.crash-loop.crashes",
		"settle":             "5m from aweigh.yaml:4",
		"interval":           "4s from aweigh.yaml:5",
		"silence":            "2m from aweigh.yaml:7",
		"startup_timeout":    "120s from default",
	} {
		if got[key] != want {
			t.Errorf("%s: got %s, want %s", key, got[key], want)
		}
	}
	var out bytes.Buffer
	if err := e.Print(&out); err != nil || !strings.Contains(strings.Join(strings.Fields(out.String()), " "), " settle 5m aweigh.yaml:4 ") {
		t.Errorf("printed %v\n%s", err, &out)
	}
}

func TestBadLabelsAreToldAndSkipped(t *testing.T) {
	labels := map[string]string{
		"aweigh.probe":           "htp://x",
		"aweigh.startup-timeot":  "5s",
		"aweigh.startup_timeout": "7s",
		"aweigh.startup-timeout": "8s",
		"aweigh.interval":        "5",
		"aweigh.expect":          "statsu == 1",
		"aweigh.probe-file":      "/etc/shadow",
		"aweigh.silence":         "${PW}",
		"aweigh.zzzzzzzzz":       "1",
		"aweigh.crash-loop":      "1",
		"aweigh.internal.drill":  "1",
		"aweigh.settle":          strings.Repeat("9", 5000),
		"com.docker.x":           "1",
	}
	s, problems := Default().For("web", labels)
	var all strings.Builder
	for _, p := range problems {
		fmt.Fprintln(&all, p.Error())
	}
	for _, want := range []string{
		"label aweigh.probe: probe htp://: there is no such protocol",
		"label aweigh.startup-timeot: there is no such label: did you mean aweigh.startup-timeout?",
		"label aweigh.startup_timeout: it says the same as label aweigh.startup-timeout: remove one",
		`label aweigh.interval: "5": a duration needs a unit`,
		`label aweigh.expect: column 1: unknown name "statsu": did you mean "status"?`,
		"label aweigh.probe-file: a label cannot name a file",
		`label aweigh.silence: "${PW}": not a duration`,
		"label aweigh.zzzzzzzzz: there is no such label: those for Aweigh are aweigh.probe, aweigh.expect,",
		"label aweigh.crash-loop: there is no such label: ",
		"label aweigh.settle: longer than 4096 bytes",
	} {
		if !strings.Contains(all.String(), want) {
			t.Errorf("missing %q", want)
		}
	}
	if len(problems) != 10 {
		t.Errorf("%d problems:\n%s", len(problems), &all)
	}
	if s.StartupTimeout != 8*time.Second || s.Probe != "" || s.Silence != 5*time.Minute {
		t.Errorf("got %+v", s)
	}
}

func TestLabelsSayAllThatTheFileSays(t *testing.T) {
	labels := map[string]string{}
	for _, f := range serviceFields() {
		text := f.Example
		if text == "" {
			text = f.Default
		}
		labels["aweigh."+strings.ReplaceAll(f.Name, "_", "-")] = text
	}
	e := Default().Explain("web", labels)
	if e.Problems != nil {
		t.Fatal(e.Problems)
	}
	for _, v := range e.Values {
		if v.Origin.Label == "" || v.Text == "" {
			t.Errorf("%+v", v)
		}
	}
}

// What the defaults expect of an HTTP answer does not concern a service that is
// asked by TCP; said at one place it is a mistake.
func TestExpectationsNeedAnAnswer(t *testing.T) {
	c := mustRead(t, "defaults: {expect: status == 200}\nservices:\n  redis: {probe: 'tcp://:6379'}\n  both: {probe: 'tcp://:1', expect: status == 200}\n")
	if s, problems := c.For("redis", nil); s.Expect != "" || problems != nil {
		t.Errorf("redis: %+v %v", s, problems)
	}
	s, problems := c.For("both", nil)
	if s.Expect != "" || len(problems) != 1 || problems[0].Error() != "aweigh.yaml:4:37: expect: expect needs a probe that answers something: http, https, grpc or exec" {
		t.Errorf("both: %+v %v", s, problems)
	}
	if s, problems := c.For("web", nil); s.Expect == "" || problems != nil {
		t.Errorf("web: %+v %v", s, problems)
	}
}
