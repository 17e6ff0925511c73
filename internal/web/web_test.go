package web

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/access"
	"github.com/aweigh/aweigh/internal/config"
	"github.com/aweigh/aweigh/internal/core"
	"github.com/aweigh/aweigh/internal/deploy"
	"github.com/aweigh/aweigh/internal/record"
	"github.com/aweigh/aweigh/internal/store"
)

// world is a site, and the fold that its store is filled by.
type world struct {
	t      testing.TB
	site   *Site
	server *httptest.Server
	store  *store.Store
	dir    string
	state  *core.State
	now    time.Time
	client *http.Client
}

func newWorld(t testing.TB, rules access.Rules) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), now: time.Now().Add(-time.Hour).UTC()}
	var err error
	if w.store, err = store.Open(context.Background(), w.dir); err != nil {
		t.Fatal(err)
	}
	w.store.Beat(context.Background(), time.Now())
	guard, err := access.New(rules)
	if err != nil {
		t.Fatal(err)
	}
	settings := core.Defaults()
	w.state = core.New("shop-1", func(string, map[string]string) core.Settings { return settings })
	w.site = New(Config{Store: w.store, Records: w.dir, Settings: config.Default(), Guard: guard, Host: "shop-1", Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	w.server = httptest.NewServer(guard.Protect(w.site.Handler()))
	w.client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	t.Cleanup(func() { w.site.Close(); w.server.Close(); w.store.Close() })
	return w
}

// fold folds facts in and stores what follows.
func (w *world) fold(facts ...aweigh.Fact) {
	w.t.Helper()
	var b store.Batch
	for _, f := range facts {
		w.now = w.now.Add(time.Second)
		if f.At.IsZero() {
			f.At = w.now
		}
		b.Facts, b.Changes = append(b.Facts, f), append(b.Changes, w.state.Apply(f))
	}
	if err := w.store.Commit(context.Background(), b); err != nil {
		w.t.Fatal(err)
	}
}

// container is one of a service, which the engine starts again.
func container(service string) *aweigh.Container {
	return &aweigh.Container{ID: strings.Repeat(service[:1], 64), Name: service, Engine: "docker", Service: service, Project: "shop", Image: service + ":1",
		Policy: "always", Status: "running", Published: []int{8080}, Addr: "172.17.0.2"}
}

// good is a start that is proven, and crashes what comes of one that is not.
func (w *world) good(service string) {
	c := container(service)
	w.fold(aweigh.Fact{Kind: aweigh.FactStarted, Instance: c.ID, Container: c}, aweigh.Fact{Kind: aweigh.FactAnswered, Instance: c.ID, OK: true, Target: "tcp://172.17.0.2:8080"})
}

func (w *world) crash(service string, lines ...string) {
	c := container(service)
	w.fold(aweigh.Fact{Kind: aweigh.FactStarted, Instance: c.ID, Container: c},
		aweigh.Fact{Kind: aweigh.FactDied, Instance: c.ID, Exit: &aweigh.Exit{Code: 1}, Lines: lines})
}

func (w *world) get(path string, headers ...string) (int, string) {
	w.t.Helper()
	return w.ask("GET", path, nil, headers...)
}

func (w *world) ask(method, path string, form url.Values, headers ...string) (int, string) {
	w.t.Helper()
	r, _ := http.NewRequest(method, w.server.URL+path, strings.NewReader(form.Encode()))
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := w.client.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer answer.Body.Close()
	b, _ := io.ReadAll(answer.Body)
	return answer.StatusCode, string(b)
}

func (w *world) newest(service string) aweigh.Start {
	w.t.Helper()
	all, err := w.store.Starts(context.Background(), store.StartQuery{Service: service, Limit: 1})
	if err != nil || len(all) == 0 {
		w.t.Fatalf("no start of %s: %v", service, err)
	}
	return all[0]
}

func (w *world) incident(service string) aweigh.Incident {
	w.t.Helper()
	all, err := w.store.Incidents(context.Background(), store.IncidentQuery{Service: service})
	if err != nil || len(all) == 0 {
		w.t.Fatalf("no incident of %s: %v", service, err)
	}
	return all[0]
}

// says wants a page to have all of some texts.
func (w *world) says(path string, texts ...string) string {
	w.t.Helper()
	code, body := w.get(path)
	if code != http.StatusOK {
		w.t.Fatalf("%s: %d %s", path, code, body[max(0, strings.Index(body, "<main")):])
	}
	for _, text := range texts {
		if !strings.Contains(body, text) {
			w.t.Errorf("%s does not say %q:\n%s", path, text, body[max(0, strings.Index(body, "<main")):])
		}
	}
	return body
}

func TestEachPageTellsWhatIsStored(t *testing.T) {
	w := newWorld(t, access.Rules{Open: true})
	w.says("/", "No service has been seen yet", "docker run")
	w.good("sighook")
	w.good("webhook")
	w.fold(aweigh.Fact{Kind: aweigh.FactDied, Instance: container("webhook").ID, Exit: &aweigh.Exit{Code: 1}})
	w.crash("webhook", "FATAL: no route to db")
	w.crash("webhook", "FATAL: no route to db")
	w.crash("webhook", "FATAL: no route to db")
	n := w.incident("webhook")

	w.says("/", "webhook", "sighook", "crash-loop", "/incidents/"+n.ID, `aria-label="3 crashed, 1 ready, crashed later"`)
	w.says("/services/webhook?project=shop", "webhook:1", "crashed", "startup_timeout", "default")
	w.says("/starts/"+w.newest("webhook").ID, "crashed", "FATAL: no route to db", "Beside the last good start", "Part of the incident")
	w.says("/starts/"+w.newest("sighook").ID[:12], "ready", "answered tcp://172.17.0.2:8080 well")
	w.says("/incidents", "webhook: crash-loop")
	w.says("/incidents/"+n.ID, "FATAL: no route to db", "Acknowledge")
	w.says("/status", "webhook", "crashed again and again")
	w.says("/maintenance", "There is none.")
	w.says("/find?q=hook", "sighook", "webhook")
	w.says("/deployments")
	w.says("/drills")
	w.says("/objectives", "budget left", "broken", "unknown")
	if code, body := w.get("/badge/sighook.svg"); code != 200 || !strings.Contains(body, ">ready</text>") {
		t.Errorf("badge: %d %s", code, body)
	}
	for _, path := range []string{"/starts/01AAAAAAAA", "/services/nobody", "/incidents/nothing", "/nowhere", "/badge/x.png"} {
		if code, _ := w.get(path); code != http.StatusNotFound {
			t.Errorf("%s: %d, want 404", path, code)
		}
	}
}

func TestTheStatusPageShowsNothingThatAServicePrinted(t *testing.T) {
	w := newWorld(t, access.Rules{Open: true})
	w.crash("webhook", "password=hunter2")
	w.crash("webhook", "password=hunter2")
	w.says("/incidents/"+w.incident("webhook").ID, "hunter2")
	if body := w.says("/status", "did not start"); strings.Contains(body, "hunter2") {
		t.Error("it does")
	}
}

func TestTheCauseIsToldWithItsFix(t *testing.T) {
	w := newWorld(t, access.Rules{Open: true})
	c := container("webhook")
	for range 2 {
		w.fold(aweigh.Fact{Kind: aweigh.FactStarted, Instance: c.ID, Container: c}, aweigh.Fact{Kind: aweigh.FactDied, Instance: c.ID, Exit: &aweigh.Exit{Code: 1},
			Cause: &aweigh.Cause{ID: "port-in-use", Confidence: 0.99, Line: "EADDRINUSE <b>", Why: "Another has it.", Fix: "Stop the other."}})
	}
	w.says("/starts/"+w.newest("webhook").ID, "port-in-use", "99 % sure", "Another has it.", "EADDRINUSE &lt;b&gt;", "Stop the other.")
	w.says("/incidents/"+w.incident("webhook").ID, "port-in-use", "Stop the other.")
}

func TestDrillsAreTheScorecardsOfTheHistory(t *testing.T) {
	w := newWorld(t, access.Rules{Open: true})
	w.says("/drills", "aweigh drill SERVICE")
	line := `{"run":"01X","service":"webhook","began":"` + time.Now().UTC().Format(time.RFC3339) + `","results":[{"drill":"crash","verdict":"passed","injects":"an exit","detected_after_ms":1200}]}`
	if err := os.WriteFile(filepath.Join(w.dir, "drills.jsonl"), []byte(line+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.says("/drills", "webhook", "passed", "1.2s", "100 %")
}

func TestDeploymentsHaveTheirStepsAndOutcome(t *testing.T) {
	w := newWorld(t, access.Rules{Open: true})
	w.says("/deployments", "aweigh deploy --dry-run")
	if _, err := deploy.Begin(w.dir, deploy.Plan{ID: aweigh.NewID(w.now), By: "ann", Began: w.now, Services: []string{"webhook"}, Stages: []deploy.Stage{{Name: "all", Project: "shop"}}}); err != nil {
		t.Fatal(err)
	}
	w.says("/deployments", "webhook", "by ann", "not over", "planned")
}

// The page of a service has its own promises and deployments, not those of others,
// and not those of a service of the same name elsewhere.
func TestAServiceHasItsOwnPromisesAndDeployments(t *testing.T) {
	w := newWorld(t, access.Rules{Open: true})
	w.fold(aweigh.Fact{Kind: aweigh.FactWatching})
	w.good("sighook")
	begin := w.now
	w.good("webhook")
	w.fold(aweigh.Fact{Kind: aweigh.FactDied, Instance: container("webhook").ID, Exit: &aweigh.Exit{Code: 1}})
	broke := w.newest("webhook").ID
	d := deploy.Plan{ID: aweigh.NewID(begin), By: "ann", Began: begin, Services: []string{"webhook"}, Stages: []deploy.Stage{{Name: "all", Project: "shop", Services: []string{"webhook"}}}}
	w.journal(d, deploy.Entry{At: begin, Event: deploy.Begun, Stage: "all", Step: "apply"}, deploy.Entry{At: w.now, Event: deploy.Failed, Stage: "all", Step: "verify", Detail: "it <b>ended</b>"},
		deploy.Entry{At: w.now, Event: deploy.Ended, Outcome: deploy.RolledBack})

	body := w.says("/services/webhook?project=shop", "no unexpected restart in 30 days", "broken", "/starts/"+broke, "/deployments#"+d.ID, "rolled-back", "it &lt;b&gt;ended", "ann", "webhook:1", "rolled-back: verify of all")
	if strings.Contains(body, "sighook") {
		t.Error("it tells of another service")
	}
	body = w.says("/services/sighook?project=shop", "no unexpected restart in 30 days", "without aweigh deploy", "sighook:1")
	if strings.Contains(body, "rolled-back") || strings.Contains(body, broke) {
		t.Error("it has the troubles of another service")
	}
	w.says("/objectives", "rolled-back: verify of all", "/deployments#"+d.ID)
	w.says("/deployments", `id="`+d.ID+`"`)
}

// journal writes one of `aweigh deploy`.
func (w *world) journal(plan deploy.Plan, entries ...deploy.Entry) {
	w.t.Helper()
	dir := filepath.Join(w.dir, "deployments", plan.ID)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		w.t.Fatal(err)
	}
	var b bytes.Buffer
	for _, e := range append([]deploy.Entry{{At: plan.Began, Event: deploy.Planned, Plan: &plan}}, entries...) {
		json.NewEncoder(&b).Encode(e)
	}
	if err := os.WriteFile(filepath.Join(dir, "journal.jsonl"), b.Bytes(), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// The engine restarts at once: what was seen of the next start is not of this one.
func TestAStartShowsWhatWasSeenOfItAndNotOfTheNext(t *testing.T) {
	w := newWorld(t, access.Rules{Open: true})
	c, begin := container("webhook"), time.Now().Add(-time.Minute).UTC()
	at := func(ms int) time.Time { return begin.Add(time.Duration(ms) * time.Millisecond) }
	w.fold(aweigh.Fact{At: at(0), Kind: aweigh.FactStarted, Instance: c.ID, Container: c}, aweigh.Fact{At: at(200), Kind: aweigh.FactDied, Instance: c.ID, Exit: &aweigh.Exit{Code: 1}, Reason: "the first end"})
	first := w.newest("webhook").ID
	w.fold(aweigh.Fact{At: at(300), Kind: aweigh.FactStarted, Instance: c.ID, Container: c}, aweigh.Fact{At: at(400), Kind: aweigh.FactDied, Instance: c.ID, Exit: &aweigh.Exit{Code: 1}, Reason: "the second end"})
	second := w.newest("webhook").ID
	for id, texts := range map[string][2]string{first: {"died, exit 1: the first end", "the second end"}, second: {"died, exit 1: the second end", "the first end"}} {
		body := w.says("/starts/"+id, texts[0])
		if seen := body[strings.Index(body, "What was seen"):]; strings.Contains(seen[:strings.Index(seen, "</table>")], texts[1]) {
			t.Errorf("%s has the end of the other", texts[0])
		}
	}
}

// recorded writes the record of the newest start of a service.
func (w *world) recorded(service string, chunks ...string) {
	w.t.Helper()
	one := w.newest(service)
	rec := record.Begin(w.dir, record.Event{Service: service, Start: one.ID}, one.Began, 1<<20, func(string) {})
	for i, c := range chunks {
		rec.Output([]record.Stream{record.Stdout, record.Stderr}[i%2], []byte(c))
	}
	rec.Event(record.Event{Event: record.StartFailed, Verdict: aweigh.Crashed})
	rec.Close(5 * time.Second)
}

func TestOutputIsEscapedAndFound(t *testing.T) {
	w := newWorld(t, access.Rules{Open: true})
	w.crash("webhook")
	w.recorded("webhook", "<script>alert(1)</script>\nplain\n", "\x1b[31mbad\x1b[0m \x1b]0;t\x07\n")
	path := "/starts/" + w.newest("webhook").ID
	body := w.says(path, "&lt;script&gt;alert(1)", `bad \x1b]0;t\a`)
	if strings.Contains(body, "<script>alert") || strings.ContainsRune(body, '\x1b') {
		t.Error("what a container prints is on the page as it is")
	}
	if body := w.says(path+"?q=PLAIN", "plain", "1 lines"); strings.Contains(body, "alert(1)") {
		t.Error("a search shows what does not match")
	}
	if body := w.says(path+"?stream=stderr", "bad"); strings.Contains(body, ">plain<") {
		t.Error("a stream shows the other")
	}
	r, _ := http.NewRequest("GET", w.server.URL+path+"/files", nil)
	answer, err := w.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if kind := answer.Header.Get("Content-Type"); !strings.HasPrefix(kind, "text/plain") || answer.Header.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(answer.Header.Get("Content-Disposition"), "attachment") {
		t.Errorf("the raw output is handed out as %s: %v", kind, answer.Header)
	}
	if code, _ := w.get(path + "/files?name=../../watch.db"); code != http.StatusNotFound {
		t.Errorf("a file outside of the record: %d", code)
	}
}

func TestAStartIsFollowedUntilItIsOver(t *testing.T) {
	w := newWorld(t, access.Rules{Open: true})
	w.crash("webhook")
	w.recorded("webhook", "one\ntwo\n")
	_, body := w.get("/starts/" + w.newest("webhook").ID + "/live?from=4")
	if !strings.Contains(body, `"text":"two"`) || strings.Contains(body, `"text":"one"`) || !strings.Contains(body, "event: over") {
		t.Errorf("it says %s", body)
	}
}

func TestOpenPagesAreToldOfAChange(t *testing.T) {
	w := newWorld(t, access.Rules{Open: true})
	answer, err := w.client.Get(w.server.URL + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	go func() {
		for range 100 { // until it listens
			w.site.Changed()
			time.Sleep(10 * time.Millisecond)
		}
	}()
	buf := make([]byte, 4096)
	said := ""
	for !strings.Contains(said, "event: changed") {
		n, err := answer.Body.Read(buf)
		if err != nil {
			t.Fatalf("it ended after %q: %v", said, err)
		}
		said += string(buf[:n])
	}
	w.site.Close()
	if _, err := io.ReadAll(answer.Body); err != nil {
		t.Errorf("closing ends it: %v", err)
	}
}

func TestAnIncidentIsAcknowledgedThroughTheInbox(t *testing.T) {
	w := newWorld(t, access.Rules{Open: true})
	w.crash("webhook")
	w.crash("webhook")
	path := "/incidents/" + w.incident("webhook").ID
	go w.folds()
	if code, body := w.ask("POST", path+"/acknowledge", url.Values{"text": {"on it"}}); code != http.StatusSeeOther {
		t.Fatalf("%d %s", code, body)
	}
	w.says(path+"?said=acknowledge", "on it", "someone at the web page", "no more reminders")
	if code, body := w.ask("POST", path+"/acknowledge", nil); code != http.StatusConflict || !strings.Contains(body, "already") {
		t.Errorf("twice: %d %s", code, body)
	}
	if code, _ := w.ask("POST", path+"/comment", url.Values{"text": {" "}}); code != http.StatusConflict {
		t.Errorf("an empty comment: %d", code)
	}
	if code, _ := w.ask("POST", path+"/comment", url.Values{"text": {strings.Repeat("x", 3000)}}); code != http.StatusConflict {
		t.Errorf("a long comment: %d", code)
	}
	if code, _ := w.ask("POST", path+"/resolve", url.Values{"text": {strings.Repeat("x", 80_000)}}); code != http.StatusRequestEntityTooLarge {
		t.Errorf("a form of 80 kB: %d", code)
	}
}

// folds is the watcher's loop: it takes what is in the inbox.
func (w *world) folds() {
	for w.t.Context().Err() == nil {
		ids, facts, err := w.store.Inbox(w.t.Context())
		if err != nil {
			return
		}
		if len(ids) > 0 {
			b := store.Batch{Inbox: ids}
			for _, f := range facts {
				b.Facts, b.Changes = append(b.Facts, f), append(b.Changes, w.state.Apply(f))
			}
			if err := w.store.Commit(w.t.Context(), b); err == nil {
				w.site.Changed()
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func TestALinkToTheLoginLeadsNowhereElse(t *testing.T) {
	for next, want := range map[string]string{
		"/starts/01J?x=1": "/starts/01J?x=1", "": "/", "//evil.example": "/", "https://evil.example/": "/", `/\evil.example`: "/", "javascript:alert(1)": "/", "/a\r\nb": "/",
	} {
		if got := ours(next); got != want {
			t.Errorf("%q leads to %q, want %q", next, got, want)
		}
	}
}

// The outline of 1 start coming up, 2 that were ready as fast, and 3 that failed, of
// which the last took longer, in 20 places.
func TestBarsOfAHeightAreOneStep(t *testing.T) {
	bar := func(v aweigh.Verdict, took time.Duration) store.Bar {
		return store.Bar{Verdict: v, Took: took, Failed: v.Failed()}
	}
	b := bars{max: time.Second, all: []store.Bar{bar(aweigh.Crashed, 0), bar(aweigh.Crashed, 0), bar(aweigh.Crashed, time.Second), bar(aweigh.Ready, time.Second), bar(aweigh.Ready, time.Second), bar("", -1)}}
	got := string(b.Row())
	for _, want := range []string{`aria-label="1 coming up, 3 crashed, 2 ready"`, `<path class="bad" d="M14 0V3h2V16h1V0M14 18h3v2h-3"/>`, `<path class="ok" d="M17 0V16h2V0"/>`, `<path class="busy" d="M19 0V3h1V0"/>`} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is not in %s", want, got)
		}
	}
}

// crowd are many services with many starts.
func (w *world) crowd() {
	var facts []aweigh.Fact
	for n := range 200 {
		c := container(fmt.Sprintf("service-%d", n))
		c.ID = fmt.Sprintf("%064x", n)
		for i := range barsOfRow + 5 {
			began := w.now.Add(time.Duration(i) * time.Minute)
			ready := began.Add(time.Duration(50<<(i*n%8)) * time.Millisecond) // hardly two the same
			facts = append(facts, aweigh.Fact{At: began, Kind: aweigh.FactStarted, Instance: c.ID, Container: c}, aweigh.Fact{At: ready, Kind: aweigh.FactAnswered, Instance: c.ID, OK: true},
				aweigh.Fact{At: ready, Kind: aweigh.FactSignalled, Instance: c.ID, Signal: "SIGTERM"}, aweigh.Fact{At: ready.Add(time.Second), Kind: aweigh.FactDied, Instance: c.ID, Exit: &aweigh.Exit{Code: 0}})
		}
	}
	w.fold(facts...)
}

func TestAFirstPageOfManyServicesIsSmall(t *testing.T) {
	w := newWorld(t, access.Rules{Open: true})
	w.crowd()
	for _, packed := range []string{"identity", "gzip"} {
		_, body := w.get("/", "Accept-Encoding", packed)
		t.Logf("%s: %d bytes", packed, len(body))
		if len(body) > 100<<10 {
			t.Errorf("%s: %d bytes, want at most 100 KiB", packed, len(body))
		}
	}
}

func BenchmarkFirstPageOf200Services(b *testing.B) {
	w := newWorld(b, access.Rules{Open: true})
	w.crowd()
	for b.Loop() {
		w.get("/", "Accept-Encoding", "gzip")
	}
}
