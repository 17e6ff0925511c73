package config

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"
)

func TestCheckTellsWhatIsWrongOrWhatIsThere(t *testing.T) {
	for _, c := range []struct {
		text   string
		status int
		want   string
	}{
		{"services: {a: {retries: 1}, 'b*': {}}", 0, "aweigh.yaml: 2 services, 0 routes, 0 signals: valid\n"},
		{"services: {a: {retry: 1}}", 1, `aweigh.yaml:1:16: services.a: there is no key "retry": did you mean "retries"?` + "\n"},
		{"services: {a: {probe: 'tcp://:1', expect: status == 200}}", 1, "aweigh.yaml:1:43: expect: expect needs a probe"},
	} {
		path := filepath.Join(t.TempDir(), "aweigh.yaml")
		write(t, path, c.text)
		var out strings.Builder
		if status := Check(path, &out); status != c.status || !strings.Contains(out.String(), c.want) {
			t.Errorf("%s: status %d\n%s", c.text, status, &out)
		}
	}
	var out strings.Builder
	if status := Check("none.yaml", &out); status != 1 || out.String() != "cannot read none.yaml: no such file or directory\n" {
		t.Errorf("%d %s", status, &out)
	}
}

// Programs read problems as JSON, and find them by errors.As.
func TestProblemsAreForProgramsToo(t *testing.T) {
	_, err := read("wach: {}")
	var problems Problems
	if !errors.As(err, &problems) {
		t.Fatalf("%T", err)
	}
	doc, err := json.Marshal(problems)
	if want := `[{"file":"aweigh.yaml","line":1,"column":1,"message":"there is no key \"wach\": did you mean \"watch\"?"}]`; err != nil || string(doc) != want {
		t.Errorf("%s %v", doc, err)
	}
}
