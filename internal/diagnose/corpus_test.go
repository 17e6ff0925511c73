package diagnose

import (
	"encoding/json"
	"hash/crc32"
	"path/filepath"
	"slices"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// example is one case of testdata: the evidence, and the answer that an expert
// gave. testdata/corpus are real programs, really run into real failures;
// testdata/more are the words of programs that are not among them, written down
// from knowledge of these programs, and counted apart. testdata/fresh are programs
// of Debian, run in containers that see the host's /usr: the label is what was done
// to them, or what came of it, written down before the case was judged.
//
// They are txtar files, one a case, so that one can be read and changed by hand;
// of an inspection only what ParseInspect reads is kept, which makes 0.5 MB of 7.
type example struct {
	name  string
	Cause string   `json:"cause"`
	Also  []string `json:"also_acceptable"`

	Program  string `json:"program"` // never an input
	Language string `json:"language"`
	ExitCode *int   `json:"exit_code"`
	Port     *int   `json:"expected_port"`

	evidence Evidence
}

func readExamples(t testing.TB, dir string) (all []example) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", dir, "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases in testdata/%s: %v", dir, err)
	}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		x := example{name: filepath.Base(file)}
		for _, f := range archive.Files {
			switch f.Name {
			case "case.json":
				err = json.Unmarshal(f.Data, &x)
			case "output.log":
				x.evidence.Output = f.Data
			case "daemon.log":
				x.evidence.Daemon = f.Data
			case "inspect.json":
				x.evidence.Inspect, err = ParseInspect(f.Data)
			case "runtime.json":
				x.evidence.Runtime, err = ParseRuntime(f.Data)
			}
			if err != nil {
				t.Fatalf("%s: %s: %v", file, f.Name, err)
			}
		}
		x.evidence.ExitCode = x.ExitCode
		if x.Port != nil {
			x.evidence.ExpectedPort = *x.Port
		}
		if Find(x.Cause) == nil {
			t.Fatalf("%s: %q is no cause", file, x.Cause)
		}
		all = append(all, x)
	}
	return all
}

// right tells whether an answer is the expert's, or one that he would take too.
func (x *example) right(id string) bool { return id == x.Cause || slices.Contains(x.Also, id) }

// heldOut tells whether the program is in the half that nobody looked at while
// the rules were written.
func (x *example) heldOut() bool { return crc32.ChecksumIEEE([]byte(x.Program))%2 == 1 }
