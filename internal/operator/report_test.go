package operator

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/cli"
	"github.com/aweigh/aweigh/internal/core"
	"github.com/aweigh/aweigh/internal/report"
	"github.com/aweigh/aweigh/internal/store"
)

// oneCrash is a state directory whose watcher has seen a service crash, and a
// configuration without a surprise.
func oneCrash(t *testing.T) *reportFlags {
	t.Helper()
	dir := t.TempDir()
	st, err := store.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	s := core.New("aws-1", func(string, map[string]string) core.Settings { return core.Defaults() })
	at := time.Now().Add(-time.Hour).UTC()
	for _, f := range []aweigh.Fact{
		{Kind: aweigh.FactWatching, At: at},
		{Kind: aweigh.FactStarted, At: at, ID: "1", Instance: "c1", Container: &aweigh.Container{ID: "c1", Name: "web", Service: "web", Engine: "docker", Image: "web:1", Policy: "always"}},
		{Kind: aweigh.FactDied, At: at.Add(time.Second), ID: "2", Instance: "c1", Exit: &aweigh.Exit{Code: 1}},
	} {
		if err := st.Commit(t.Context(), store.Batch{Facts: []aweigh.Fact{f}, Changes: []core.Changes{s.Apply(f)}}); err != nil {
			t.Fatal(err)
		}
	}
	config := filepath.Join(dir, "aweigh.yaml")
	if err := os.WriteFile(config, []byte("objectives: {told: {ignore: true}, deployments: {ignore: true}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return &reportFlags{reading: reading{state: dir}, config: config, since: "2h"}
}

func reported(f *reportFlags, args ...string) (code int, stdout, stderr string) {
	var out, errs strings.Builder
	cmd := reportCommand()
	code = cmd.Run(&cli.Context{Program: cli.Program{Name: "aweigh"}, Command: &cmd, Values: f, Stdout: &out, Stderr: &errs}, args)
	return code, out.String(), errs.String()
}

func TestReportExitsWith3WhenSomethingNeedsAPerson(t *testing.T) {
	f := oneCrash(t)
	code, out, _ := reported(f)
	if code != 3 || !strings.Contains(out, "NEEDS A PERSON") || !strings.Contains(out, "no unexpected restart in 30 days: it happened once") {
		t.Errorf("exit %d\n%s", code, out)
	}
	if err := os.WriteFile(f.config, []byte("objectives: {restarts: {allow: 1}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out, _ := reported(f); code != 3 { // nobody was told of the deployment
		t.Errorf("exit %d\n%s", code, out)
	}
	if err := os.WriteFile(f.config, []byte("objectives: {restarts: {allow: 1}, told: {ignore: true}, deployments: {ignore: true}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out, _ := reported(f); code != 0 || !strings.Contains(out, "nothing needs you") {
		t.Errorf("exit %d\n%s", code, out)
	}
}

func TestReportSpeaksEachFormat(t *testing.T) {
	f := oneCrash(t)
	f.json = true
	_, out, _ := reported(f)
	var r report.Report
	if err := json.Unmarshal([]byte(out), &r); err != nil || len(r.Services) != 1 || r.Services[0].Restarts != 1 || len(r.Objectives) != 2 {
		t.Errorf("%v\n%s", err, out)
	}
	f.json, f.md = false, true
	if _, out, _ := reported(f); !strings.HasPrefix(out, "# All services on ") {
		t.Error(out)
	}
	f.md, f.html = false, true
	if _, out, _ := reported(f); !strings.HasPrefix(out, "<!doctype html>") {
		t.Error(out)
	}
}

func TestReportSaysWhatIsWrongWithACommandLine(t *testing.T) {
	for _, c := range []struct {
		change func(*reportFlags)
		args   []string
		code   int
		want   string
	}{
		{func(f *reportFlags) { f.since = "yesterday" }, nil, 2, "--since"},
		{func(f *reportFlags) { f.since = "2999-01-01" }, nil, 2, "not in the past"},
		{func(f *reportFlags) { f.html, f.json = true, true }, nil, 2, "exclude each other"},
		{func(f *reportFlags) {}, []string{"web"}, 2, "write --service web"},
		{func(f *reportFlags) { f.service = "wbe" }, nil, 1, "nothing is known of this service"},
		{func(f *reportFlags) { f.state = "/nowhere" }, nil, 1, "no watcher has kept anything here yet"},
	} {
		f := oneCrash(t)
		c.change(f)
		if code, _, errs := reported(f, c.args...); code != c.code || !strings.Contains(errs, c.want) {
			t.Errorf("exit %d, want %d: %s", code, c.code, errs)
		}
	}
}
