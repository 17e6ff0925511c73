package diagnose

import (
	"strings"
	"testing"

	"github.com/aweigh/aweigh"
)

func hang() []Cause { return []Cause{{ID: "startup-hang", Confidence: 0.55, Evidence: []Line{}}} }

func TestAHangGetsTheNameOfWhatItHangsIn(t *testing.T) {
	wait := &Wait{Kind: "connect", Peer: "10.0.0.5:5432", Text: "python3 (pid 7): 58 s in connect() to 10.0.0.5:5432"}
	for _, c := range []struct {
		name string
		live Live
		want string
	}{
		{"an unanswered connection", Live{Wait: wait}, "dependency-timeout"},
		{"a dependency that refuses", Live{Reach: []Reach{{Target: "db:5432", Outcome: Refuses, Text: "db:5432 refuses connections"}}}, "dependency-refused"},
		{"a name without an address", Live{Reach: []Reach{{Target: "db", Outcome: Unresolved, Text: "the name db has no address"}}}, "dns-failure"},
		{"a dependency that is well", Live{Reach: []Reach{{Target: "db:5432", Outcome: Accepts, Text: "db:5432 accepts connections now"}}}, "startup-hang"},
		{"nothing", Live{}, "startup-hang"},
	} {
		got := Weigh(hang(), Evidence{ExpectedPort: 8080}, c.live)
		if got[0].ID != c.want {
			t.Errorf("%s: %s, want %s", c.name, got[0].ID, c.want)
		}
		if got[0].ID != "startup-hang" && (got[0].Fix == "" || got[0].Confirm == "" || len(got[0].Evidence) == 0 || len(got) != 2) {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}

func TestALookDoesNotOverruleWhatTheOutputSays(t *testing.T) {
	named := []Cause{{ID: "env-var-missing", Confidence: 0.95}}
	got := Weigh(named, Evidence{ExpectedPort: 8080}, Live{Wait: &Wait{Kind: "connect", Text: "in connect()"}, Reach: []Reach{{Outcome: Refuses, Text: "db refuses"}}})
	if len(got) != 1 || got[0].ID != "env-var-missing" || len(got[0].Evidence) != 0 {
		t.Errorf("%+v", got)
	}
}

func TestTheHolderOfThePortIsNamedAndTheFixIsAboutThatPort(t *testing.T) {
	got := Weigh([]Cause{{ID: "port-in-use", Fix: "another"}}, Evidence{ExpectedPort: 8080}, Live{Holders: []Holder{{Port: 80, Who: "port 80 of this host is held by nginx (pid 812)"}}})
	c := got[0]
	if len(c.Evidence) != 1 || !strings.Contains(c.Evidence[0].Text, "nginx (pid 812)") || !strings.Contains(c.Fix, "80") || !strings.Contains(c.Confirm, ":80") {
		t.Errorf("%+v", c)
	}
}

func TestOnlyAShortageIsEvidence(t *testing.T) {
	full, plenty := HostFact{"disk", "/data has 0 B free of 10.0 GiB", true}, HostFact{"disk", "/var has 5 GiB free of 10.0 GiB", false}
	got := Weigh([]Cause{{ID: "disk-full"}}, Evidence{ExpectedPort: 8080}, Live{Host: []HostFact{full, plenty}})
	if len(got[0].Evidence) != 1 || got[0].Evidence[0].Text != full.Text {
		t.Errorf("%+v", got[0].Evidence)
	}
}

// What is gathered has names in it that others have chosen.
func TestWhatWasSeenIsMadeHarmless(t *testing.T) {
	w := &Wait{Kind: "connect", Text: "x\x1b[31m (pid 7): connect() to postgres://u:s3cretpass@db/"}
	for _, c := range Weigh(hang(), Evidence{ExpectedPort: 8080}, Live{Wait: w}) {
		for _, text := range append([]string{c.Why}, lineTexts(c.Evidence)...) {
			if strings.Contains(text, "\x1b") || strings.Contains(text, "s3cretpass") {
				t.Errorf("%q", text)
			}
		}
	}
}

func lineTexts(lines []Line) (texts []string) {
	for _, l := range lines {
		texts = append(texts, l.Text)
	}
	return texts
}

// What was seen of a start while it lived is not in its record.
func TestWhatWasNamedWhenItFailedIsRememberedWhereItWasSurer(t *testing.T) {
	then := &aweigh.Cause{ID: "wrong-port", Confidence: 0.85, Line: "it listens on [::]:9090", Fix: "Let it listen on 8080."}
	unknown := []Cause{{ID: "unknown", Confidence: 0.5}}
	got := Remember(unknown, Evidence{}, then)
	if len(got) != 1 || got[0].ID != "wrong-port" || got[0].Why == "" || got[0].Fix != then.Fix || got[0].Evidence[0].Text != then.Line {
		t.Errorf("%+v", got)
	}
	sure := []Cause{{ID: "env-var-missing", Confidence: 0.97}}
	if got := Remember(sure, Evidence{}, then); got[0].ID != "env-var-missing" {
		t.Errorf("%+v", got)
	}
	if got := Remember(unknown, Evidence{}, nil); got[0].ID != "unknown" {
		t.Errorf("%+v", got)
	}
}
