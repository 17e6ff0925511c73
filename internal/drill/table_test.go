package drill

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/moby/moby/api/types/container"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/core"
)

func TestEachDrillHasANameAndSaysWhatItDoes(t *testing.T) {
	seen := map[string]bool{}
	for _, d := range Table() {
		if d.Name == "" || seen[d.Name] || strings.Trim(d.Name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || len(d.Name) > 24 {
			t.Errorf("%q is no name: it becomes that of a container", d.Name)
		}
		seen[d.Name] = true
		if d.Injects == "" || d.Inject == nil || d.Calm && (d.Kind != "" || len(d.Causes) > 0) {
			t.Errorf("%s: %+v", d.Name, d)
		}
	}
}

func TestOnlyChoosesByName(t *testing.T) {
	if _, err := Choose([]string{"hang", "hnag"}); err == nil || !strings.Contains(err.Error(), `"hnag"`) {
		t.Errorf("a name that is none: %v", err)
	}
	if all, err := Choose([]string{"hang", "disk-full"}); err != nil || len(all) != 2 {
		t.Errorf("two names: %d drills, %v", len(all), err)
	}
}

// What cannot happen to a service must not be called passed.
func TestADrillThatDoesNotApplySaysWhy(t *testing.T) {
	st := &stage{run: &run{service: &Service{Name: "web"}}}
	st.steady.how, st.steady.probe, st.steady.port = core.ByProbe, "tcp://172.18.0.2:80", 80
	for name, want := range map[string]string{
		"health-500":         "a probe such as http://:80/health",
		"disk-full":          "no volume",
		"exits-0":            `restart policy is "no"`,
		"dependency-refused": "depends_on",
	} {
		d, err := Choose([]string{name})
		if err != nil {
			t.Fatal(err)
		}
		var res Result
		res.judge(t.Context(), d[0].Inject(t.Context(), st))
		if res.Verdict != NotApplicable || !strings.Contains(res.Reason, want) {
			t.Errorf("%s: %s: %s", name, res.Verdict, res.Reason)
		}
	}
}

func TestAVerdictIsMadeOfWhatKeptTheDrillFromPassing(t *testing.T) {
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		ctx  context.Context
		err  error
		want Verdict
	}{
		{t.Context(), failed{"nothing was detected"}, Failed},
		{t.Context(), notApplicable{"it has no volume"}, NotApplicable},
		{t.Context(), errors.New("the engine does not answer"), Inconclusive},
		{over, failed{"nothing was detected"}, Inconclusive},
	} {
		var res Result
		if res.judge(c.ctx, c.err); res.Verdict != c.want {
			t.Errorf("%v: %s, want %s", c.err, res.Verdict, c.want)
		}
	}
}

func TestTheIncidentOfADrillIsThatOfItsKind(t *testing.T) {
	all := []aweigh.Incident{{ID: "2", Kind: aweigh.Unhealthy}, {ID: "1", Kind: aweigh.CrashLoop}}
	if n := (Drill{Kind: aweigh.CrashLoop}).among(all); n.ID != "1" {
		t.Errorf("of its kind: %+v", n)
	}
	if n := (Drill{}).among(all); n.ID != "2" {
		t.Errorf("of any kind: %+v", n)
	}
	if n := (Drill{}).among(nil); n != nil {
		t.Errorf("of none: %+v", n)
	}
}

func TestARestartPolicyDecidesWhetherAnExitWith0IsOdd(t *testing.T) {
	for policy, want := range map[container.RestartPolicyMode]bool{"": false, "no": false, "on-failure": false, "always": true, "unless-stopped": true} {
		s := &Service{}
		s.Host.RestartPolicy.Name = policy
		if s.restarts() != want {
			t.Errorf("%q: %v", policy, !want)
		}
	}
}
