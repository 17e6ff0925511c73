package gather

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/docker"
	"github.com/aweigh/aweigh/internal/record"
)

// recorded writes the record of a start, as a watcher does, and returns its id.
func recorded(t *testing.T, path string, began time.Time, shape docker.Shape, output string, last record.Event) string {
	t.Helper()
	id := aweigh.NewID(began)
	rec := record.Begin(path, record.Event{Time: began, Start: id, Service: "shop", Instance: "4f1c00000000", Engine: "docker", Image: shape.Image}, began, 1<<20, func(text string) { t.Error(text) })
	data, err := json.Marshal(shape)
	if err != nil {
		t.Fatal(err)
	}
	rec.File(ShapeFile, data)
	rec.Output(record.Stdout, []byte(output))
	last.Time = began.Add(time.Second)
	last.ElapsedMS = 1000
	rec.Event(last)
	rec.Close(10 * time.Second)
	return id
}

func open(t *testing.T, path string) *record.Dir {
	t.Helper()
	dir, err := record.OpenToRead(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dir.Close() })
	return dir
}

var crashed = record.Event{Event: record.StartFailed, Verdict: aweigh.Crashed, Exit: &aweigh.Exit{Code: 1}, Reason: "exited with 1"}

func TestAStartIsDiagnosedFromItsRecordAlone(t *testing.T) {
	path := t.TempDir()
	began := time.Now().Add(-time.Hour)
	recorded(t, path, began, docker.Shape{Image: "shop:1"}, "starting\nOSError: [Errno 98] Address already in use\n", crashed)
	f, err := Find(t.Context(), Where{Dir: open(t, path)}, "shop", Options{Quick: true})
	if err != nil {
		t.Fatal(err)
	}
	best := f.Causes()[0]
	if best.ID != "port-in-use" || len(best.Evidence) == 0 || best.Evidence[0].Line != 2 {
		t.Errorf("%+v", best)
	}
	if f.Service != "shop" || f.Start == "" || f.Evidence.ExitCode == nil || *f.Evidence.ExitCode != 1 {
		t.Errorf("%+v", f)
	}
}

func TestWhatDiffersFromTheLastGoodStartIsTold(t *testing.T) {
	path := t.TempDir()
	began := time.Now().Add(-time.Hour)
	good := docker.Shape{Image: "shop:1", ImageID: "sha256:aaaa", Env: []string{"DATABASE_URL", "PORT"}, Mounts: []string{"volume data on /data"}, Command: []string{"/shop"}, Hash: "1"}
	bad := docker.Shape{Image: "shop:2", ImageID: "sha256:bbbb", Env: []string{"PORT"}, Mounts: []string{"volume data on /data, read-only"}, Command: []string{"/shop", "-v"}, Hash: "2"}
	recorded(t, path, began, good, "10:00:01 start, pid 17\n10:00:02 connected to the database\n10:00:03 listening\n", record.Event{Event: record.StartReady})
	recorded(t, path, began.Add(time.Minute), bad, "11:07:31 start, pid 2211\nKeyError\n", crashed)
	dir := open(t, path)
	r, err := dir.Find("shop")
	if err != nil {
		t.Fatal(err)
	}
	told := Changed(dir, r)
	for _, want := range []string{
		"the image was shop:1, and is shop:2", "the command was /shop, and is /shop -v", "the environment variable DATABASE_URL is gone",
		"the mount volume data on /data is gone", "the mount volume data on /data, read-only is new",
		"the good start printed this first of what this one has not: 10:00:02 connected to the database",
	} {
		if !slices.Contains(told, want) {
			t.Errorf("%q is not told:\n%s", want, strings.Join(told, "\n"))
		}
	}
}

func TestAValueThatChangedIsToldWithoutTheValue(t *testing.T) {
	a, b := docker.Shape{Image: "shop:1", Env: []string{"PASSWORD"}, Hash: "1"}, docker.Shape{Image: "shop:1", Env: []string{"PASSWORD"}, Hash: "2"}
	if told := differences(a, b); len(told) != 1 || !strings.Contains(told[0], "value of an environment variable") {
		t.Errorf("%q", told)
	}
	if told := differences(a, a); len(told) != 0 {
		t.Errorf("nothing has changed, and %q is told", told)
	}
}

func TestALongOutputKeepsItsBeginningAndItsEnd(t *testing.T) {
	var c clip
	c.Write([]byte("first\n"))
	line := []byte(strings.Repeat("x", 999) + "\n")
	for range 5000 {
		c.Write(line)
	}
	c.Write([]byte("last\n"))
	got := c.bytes()
	if len(got) > headBytes+tailBytes+100 || !strings.HasPrefix(string(got), "first\n") || !strings.HasSuffix(string(got), "\nlast\n") {
		t.Errorf("%d bytes: %.20q … %q", len(got), got, got[len(got)-20:])
	}
	if whole := int64(5000*1000 + 11); c.lost != whole-headBytes-tailBytes {
		t.Errorf("%d of %d bytes were left out", c.lost, whole)
	}
}

func TestWhatIsSavedHasNoSecrets(t *testing.T) {
	raw := `{"Name":"/shop","Path":"/shop","Args":["--password","hunter22"],"Config":{"Env":["PORT=80","TOKEN=tok3n-value"],
		"Cmd":["--password=hunter22"],"Labels":{"traefik.auth":"hunter22","com.docker.compose.service":"shop"},"Healthcheck":{"Test":["CMD","curl","http://u:hunter22@localhost/"]}}}`
	f := &Found{Inspection: &docker.Inspection{Raw: []byte(raw)}}
	f.Evidence.Output = []byte("connecting to postgres://app:hunter22@db/\nPASSWORD=hunter22\n")
	dir := filepath.Join(t.TempDir(), "saved")
	if err := f.Save(dir); err != nil {
		t.Fatal(err)
	}
	all := ""
	for _, name := range []string{"output.log", "inspect.json", "live.json"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		all += string(data)
	}
	for _, secret := range []string{"hunter22", "tok3n-value"} {
		if strings.Contains(all, secret) {
			t.Errorf("%s is in it:\n%s", secret, all)
		}
	}
	for _, kept := range []string{"connecting to postgres://", "PORT=", "TOKEN=", `"shop"`} {
		if !strings.Contains(all, kept) {
			t.Errorf("%s is not in it:\n%s", kept, all)
		}
	}
	if err := f.Save(dir); err == nil {
		t.Error("what is there already was overwritten")
	}
}

func TestLinesOfAweighInitAreNotTheService(t *testing.T) {
	output := "time=2026-11-23T10:00:00Z level=INFO msg=starting service=web event=start.begin\nhello\n" +
		"time=2026-11-23T10:00:09Z level=WARN msg=\"taking a snapshot before ending it: late\" event=snapshot\nFatal Python error: Aborted\n"
	if got := string(WithoutOurs([]byte(output), true)); got != "\nhello\n\n" {
		t.Errorf("%q", got)
	}
	if got := string(WithoutOurs([]byte(output), false)); got != output {
		t.Errorf("%q", got)
	}
	// A service may log with log/slog, and have events of its own.
	output = "time=2026-11-23T10:00:00Z level=ERROR msg=\"cannot start\" event=startup error=\"connection refused\"\n" +
		`{"time":"2026-11-23T10:00:00Z","level":"ERROR","msg":"cannot start","event":"snapshot-restore"}` + "\n"
	if got := string(WithoutOurs([]byte(output), true)); got != output {
		t.Errorf("%q", got)
	}
}
