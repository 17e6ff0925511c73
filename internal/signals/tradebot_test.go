package signals

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aweigh/aweigh"
)

// The linkage of examples/tradebot, as its aweigh.yaml has it, asked of the
// real webhook while trades come that link to nothing.
func TestTradebotLosesItsLinkage(t *testing.T) {
	dir := t.TempDir()
	build := exec.Command("go", "build", "-trimpath", "-o", dir+"/webhook", "./webhook")
	build.Dir = "../../examples/tradebot"
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr, path := l.Addr().String(), dir+"/webhook.db"
	l.Close()
	webhook := exec.CommandContext(t.Context(), dir+"/webhook", "-addr", addr, "-db", path)
	if err := webhook.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { webhook.Process.Kill(); webhook.Wait() })

	byHTTP, bySQL := fromExample(t, "linkage"), fromExample(t, "linkage-stored")
	byHTTP.Source = strings.Replace(byHTTP.Source, "127.0.0.1:5003", addr, 1)
	bySQL.Source = "sqlite:" + path
	var both []*Compiled
	for _, s := range []Signal{byHTTP, bySQL} {
		c, err := Compile(s)
		if err != nil {
			t.Fatal(err)
		}
		both = append(both, c)
	}
	say := func(state State, why string) {
		t.Helper()
		for _, c := range both {
			if r := c.Evaluate(t.Context(), time.Now()); r.State != state || r.Why != why {
				t.Errorf("%s: %s: %s\nwant %s: %s", r.Name, r.State, r.Why, state, why)
			}
		}
	}
	for deadline := time.Now().Add(20 * time.Second); both[0].Evaluate(t.Context(), time.Now()).State == Broken; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the webhook does not come up")
		}
	}
	const rule = " (rule: linkage == 0 && total > 5)"
	for _, c := range both {
		if r := c.Evaluate(t.Context(), time.Now()); r.State != OK || !strings.Contains(r.Why, "which counts as ok") {
			t.Errorf("without trades: %+v", r)
		}
	}
	trade := func(order string) {
		t.Helper()
		post(t, "http://"+addr+"/trades", fmt.Sprintf(`{"order_id":%q,"symbol":"BTC-USD","size":1,"price":2}`, order))
	}
	for i := range 5 {
		trade(fmt.Sprint("by-hand-", i))
	}
	say(OK, "linkage is 0, total is 5"+rule)
	trade("lost")
	say(Breached, "linkage is 0, total is 6"+rule)
	post(t, "http://"+addr+"/webhook", `{"order_id":"lost","strategy":"momentum"}`)
	say(OK, "linkage is 16.6667, total is 6"+rule)

	webhook.Process.Kill()
	webhook.Wait()
	if r := both[0].Evaluate(t.Context(), time.Now()); r.State != Broken || !strings.Contains(r.Why, "connection refused") {
		t.Errorf("of a webhook that is gone: %+v", r)
	}
	if r := both[1].Evaluate(t.Context(), time.Now()); r.State != OK || r.Values["total"] != 6 {
		t.Errorf("the database of a webhook that was killed: %+v", r)
	}
}

func post(t *testing.T, url, body string) {
	t.Helper()
	resp, err := http.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		t.Fatalf("POST %s: %s", url, resp.Status)
	}
}

// fromExample reads one signal of examples/tradebot/aweigh.yaml: as much YAML
// as is in there. Reading it for users is another package's work.
func fromExample(t *testing.T, name string) Signal {
	t.Helper()
	b, err := os.ReadFile(filepath.FromSlash("../../examples/tradebot/aweigh.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(b), "\n  "+name+":\n")
	if !ok {
		t.Fatalf("there is no signal %s", name)
	}
	keys, last := map[string]string{}, ""
	for line := range strings.Lines(section) {
		if strings.HasPrefix(line, "      ") { // of the block of a key
			keys[last] += strings.TrimSpace(line) + "\n"
			continue
		}
		key, value, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if !ok || !strings.HasPrefix(line, "    ") {
			break
		}
		value, _, _ = strings.Cut(value, " #")
		last, keys[key] = key, strings.Trim(value, " |")
	}
	s := Signal{Name: name, Service: keys["service"], Source: keys["source"], Query: keys["query"], Rule: strings.TrimSpace(keys["rule"]),
		Missing: MissingPolicy(strings.TrimSpace(keys["missing"])), Severity: aweigh.Severity(keys["severity"])}
	for key, d := range map[string]*time.Duration{"every": &s.Every, "window": &s.Window, "hold": &s.Hold} {
		if *d, err = time.ParseDuration(keys[key]); err != nil {
			t.Fatalf("%s: %v", key, err)
		}
	}
	return s
}
