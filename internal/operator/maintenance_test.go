package operator

import (
	"context"
	"flag"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aweigh/aweigh/internal/access"
	"github.com/aweigh/aweigh/internal/api"
	"github.com/aweigh/aweigh/internal/cli"
	"github.com/aweigh/aweigh/internal/core"
	"github.com/aweigh/aweigh/internal/store"
)

// watcherThere is a watcher's API, by its URL, which takes up at once what is said.
func watcherThere(t *testing.T, rules access.Rules) string {
	t.Helper()
	st, err := store.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	guard, err := access.New(rules)
	if err != nil {
		t.Fatal(err)
	}
	state := core.New("shop-1", func(string, map[string]string) core.Settings { return core.Defaults() })
	settled := func(ctx context.Context) {
		ids, facts, err := st.Inbox(ctx)
		b := store.Batch{Inbox: ids, Facts: facts}
		for _, f := range facts {
			b.Changes = append(b.Changes, state.Apply(f))
		}
		if err != nil || st.Commit(ctx, b) != nil {
			t.Error("what was said is not taken up")
		}
	}
	server := httptest.NewServer(guard.Protect(api.New(api.Config{Store: st, Records: t.TempDir(), Guard: guard, Settled: settled})))
	t.Cleanup(func() { server.Close(); st.Close() })
	return server.URL
}

func TestAMaintenanceElsewhereIsBegunListedAndEnded(t *testing.T) {
	const token, mayView = "act-token-0123456789", "view-token-0123456789"
	url := watcherThere(t, access.Rules{Token: token, ViewToken: mayView})
	dir := t.TempDir()
	run := func(token string, args ...string) (int, string) {
		t.Helper()
		file := filepath.Join(dir, "token")
		if err := os.WriteFile(file, []byte(token+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		cmd := maintenanceCommand()
		fs := flag.NewFlagSet("maintenance", flag.ContinueOnError)
		f := cmd.Flags(fs)
		if err := fs.Parse([]string{"--for", "30m", "--message", "new disk", "--server", url, "--token-file", file}); err != nil {
			t.Fatal(err)
		}
		code := cmd.Run(&cli.Context{Program: cli.Program{Name: "aweigh"}, Command: &cmd, Values: f, Stdout: &out, Stderr: &out}, args)
		return code, out.String()
	}
	if code, out := run(mayView, "start", "web*"); code != 1 || !strings.Contains(out, "the role act is needed") {
		t.Errorf("a viewer begins one: exit %d, %s", code, out)
	}
	code, out := run(token, "start", "web*")
	if code != 0 || !strings.Contains(out, " of web* until ") {
		t.Fatalf("exit %d, %s", code, out)
	}
	id := strings.Fields(out)[1]
	if code, out := run(mayView, "list"); code != 0 || !strings.Contains(out, id) || !strings.Contains(out, "web*") || !strings.Contains(out, user()) || !strings.Contains(out, "new disk") {
		t.Errorf("exit %d, %s", code, out)
	}
	if code, out := run(mayView, "stop", id); code != 1 || !strings.Contains(out, "the role act is needed") {
		t.Errorf("a viewer ends one: exit %d, %s", code, out)
	}
	if code, out := run(token, "stop", strings.ToLower(id[:8])); code != 0 || !strings.Contains(out, "of web* is over") {
		t.Errorf("exit %d, %s", code, out)
	}
	if code, out := run(mayView); code != 0 || out != "no maintenance window\n" {
		t.Errorf("exit %d, %s", code, out)
	}
	if code, out := run(token, "stop", id); code != 1 || !strings.Contains(out, "there is no maintenance window") {
		t.Errorf("twice: exit %d, %s", code, out)
	}
	if code, _ := run(token, "begin"); code != 2 {
		t.Errorf("exit %d", code)
	}
}
