package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/access"
	"github.com/aweigh/aweigh/internal/core"
	"github.com/aweigh/aweigh/internal/record"
	"github.com/aweigh/aweigh/internal/store"
)

// watched is a store in which webhook has crashed three times, and the watcher
// that folds what is said.
type watched struct {
	store   *store.Store
	state   *core.State
	handler http.Handler
	records string
	url     string
}

const (
	act  = "act-token-0123456789"
	view = "view-token-0123456789"
)

func newWatched(t *testing.T) *watched {
	t.Helper()
	dir := t.TempDir()
	st, err := store.Open(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	settings := core.Defaults()
	w := &watched{store: st, state: core.New("shop-1", func(string, map[string]string) core.Settings { return settings })}
	now := time.Now().Add(-time.Minute).UTC()
	c := &aweigh.Container{ID: strings.Repeat("a", 64), Name: "webhook", Engine: "docker", Service: "webhook", Project: "shop", Image: "webhook:1", Policy: "always", Status: "running"}
	var facts []aweigh.Fact
	for n := range 3 {
		at := now.Add(time.Duration(n) * 2 * time.Second)
		facts = append(facts, aweigh.Fact{Kind: aweigh.FactStarted, At: at, Instance: c.ID, Container: c},
			aweigh.Fact{Kind: aweigh.FactDied, At: at.Add(time.Second), Instance: c.ID, Exit: &aweigh.Exit{Code: 1}, Lines: []string{"FATAL"}})
	}
	w.fold(t, store.Batch{}, facts)
	newest, err := st.Starts(context.Background(), store.StartQuery{Limit: 1})
	if err != nil || len(newest) == 0 {
		t.Fatalf("no start: %v", err)
	}
	rec := record.Begin(dir, record.Event{Service: "webhook", Start: newest[0].ID}, newest[0].Began, 1<<20, func(string) {})
	rec.Output(record.Stdout, []byte("one\x1b[31m\ntwo\n"))
	rec.Event(record.Event{Event: record.StartFailed, Verdict: aweigh.Crashed})
	rec.Close(5 * time.Second)
	guard, err := access.New(access.Rules{Token: act, ViewToken: view})
	if err != nil {
		t.Fatal(err)
	}
	w.records = dir
	w.handler = guard.Protect(New(Config{Store: st, Records: dir, Guard: guard, Settled: func(ctx context.Context) {
		ids, said, _ := st.Inbox(ctx)
		w.fold(t, store.Batch{Inbox: ids}, said)
	}}))
	server := httptest.NewServer(w.handler)
	w.url = server.URL
	t.Cleanup(func() { server.Close(); st.Close() })
	return w
}

func (w *watched) fold(t *testing.T, b store.Batch, facts []aweigh.Fact) {
	for _, f := range facts {
		b.Facts, b.Changes = append(b.Facts, f), append(b.Changes, w.state.Apply(f))
	}
	if err := w.store.Commit(context.Background(), b); err != nil {
		t.Error(err)
	}
}

func (w *watched) ask(t *testing.T, token, call, body string) (int, http.Header, []byte) {
	t.Helper()
	method, path, _ := strings.Cut(call, " ")
	r, err := http.NewRequest(method, w.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, answer.Header, b
}

// cases are requests for each operation of the document. INCIDENT and START
// stand for those that there are, WINDOW for the one that was begun.
var cases = []struct {
	operation, call, body string
	code                  int
}{
	{"GET /api/v1/status", "GET /api/v1/status", "", 200},
	{"GET /api/v1/starts", "GET /api/v1/starts?limit=2&failed=true&service=webhook&project=shop&since=2020-01-01T00:00:00Z", "", 200},
	{"GET /api/v1/starts", "GET /api/v1/starts?limit=0", "", 400},
	{"GET /api/v1/starts", "GET /api/v1/starts?since=yesterday", "", 400},
	{"GET /api/v1/starts/{id}", "GET /api/v1/starts/START", "", 200},
	{"GET /api/v1/starts/{id}", "GET /api/v1/starts/webhook", "", 200},
	{"GET /api/v1/starts/{id}", "GET /api/v1/starts/nobody", "", 404},
	{"GET /api/v1/starts/{id}/output", "GET /api/v1/starts/START/output", "", 200},
	{"GET /api/v1/starts/{id}/output", "GET /api/v1/starts/START/output?follow=1", "", 200},
	{"GET /api/v1/starts/{id}/output", "GET /api/v1/starts/START/output?phase=none", "", 404},
	{"GET /api/v1/starts/{id}/output", "GET /api/v1/starts/START/output?follow=perhaps", "", 400},
	{"GET /api/v1/incidents", "GET /api/v1/incidents?open=true&service=webhook", "", 200},
	{"GET /api/v1/incidents/{id}", "GET /api/v1/incidents/INCIDENT", "", 200},
	{"GET /api/v1/incidents/{id}", "GET /api/v1/incidents/01AAAAAAAA", "", 404},
	{"POST /api/v1/incidents/{id}/acknowledge", "POST /api/v1/incidents/INCIDENT/acknowledge", `{"text": "on it", "by": "ann"}`, 200},
	{"POST /api/v1/incidents/{id}/acknowledge", "POST /api/v1/incidents/INCIDENT/acknowledge", "", 409},
	{"POST /api/v1/incidents/{id}/comment", "POST /api/v1/incidents/INCIDENT/comment", `{"text": "rolled back"}`, 200},
	{"POST /api/v1/incidents/{id}/comment", "POST /api/v1/incidents/INCIDENT/comment", `{"words": "rolled back"}`, 400},
	{"POST /api/v1/incidents/{id}/comment", "POST /api/v1/incidents/INCIDENT/comment", `{"text": "` + strings.Repeat("x", 70_000) + `"}`, 413},
	{"POST /api/v1/incidents/{id}/resolve", "POST /api/v1/incidents/INCIDENT/resolve", "", 200},
	{"POST /api/v1/maintenance", "POST /api/v1/maintenance", `{"services": "web*", "for": "30m", "note": "disk"}`, 200},
	{"POST /api/v1/maintenance", "POST /api/v1/maintenance", `{"for": "long"}`, 400},
	{"POST /api/v1/maintenance", "POST /api/v1/maintenance", `{"services": "[", "for": "1h"}`, 409},
	{"GET /api/v1/maintenance", "GET /api/v1/maintenance", "", 200},
	{"DELETE /api/v1/maintenance/{id}", "DELETE /api/v1/maintenance/WINDOW", "", 200},
	{"DELETE /api/v1/maintenance/{id}", "DELETE /api/v1/maintenance/WINDOW", "", 404},
}

// Each answer is what openapi.json says of it, and each call is in there.
func TestTheDocumentSaysWhatTheHandlersAnswer(t *testing.T) {
	w := newWatched(t)
	doc := described(t)
	known := append(slices.Collect(maps.Keys((&server{}).views())), slices.Collect(maps.Keys((&server{}).acts()))...)
	asked := map[string]bool{}
	for _, c := range cases {
		asked[c.operation] = true
		call := c.call
		for name, id := range w.ids(t) {
			call = strings.ReplaceAll(call, name, id)
		}
		code, header, body := w.ask(t, act, call, c.body)
		if code != c.code {
			t.Errorf("%s: %d, want %d: %s", call, code, c.code, body)
			continue
		}
		if err := doc.check(c.operation, code, header.Get("Content-Type"), body); err != nil {
			t.Errorf("%s: %v\n%s", call, err, body)
		}
	}
	for _, operation := range known {
		if !asked[operation] || !slices.Contains(doc.operations(), operation) {
			t.Errorf("%s is answered; it is asked here: %t, it is in the document: %t", operation, asked[operation], slices.Contains(doc.operations(), operation))
		}
	}
	for _, operation := range doc.operations() {
		if !slices.Contains(known, operation) {
			t.Errorf("%s is in the document, and nobody answers it", operation)
		}
	}
}

func TestWhoMayOnlyViewCannotAct(t *testing.T) {
	w := newWatched(t)
	doc := described(t)
	for _, c := range cases {
		method, _, _ := strings.Cut(c.call, " ")
		code, header, body := w.ask(t, "", c.call, c.body)
		if code != 401 {
			t.Errorf("%s without a token: %d", c.call, code)
		} else if err := doc.check(c.operation, code, header.Get("Content-Type"), body); err != nil {
			t.Error(err)
		}
		if code, _, _ := w.ask(t, view, c.call, c.body); (code == 403) != (method != "GET") {
			t.Errorf("%s by who may view: %d", c.call, code)
		}
	}
}

func TestOutputIsByteForByteAndNothingThatABrowserRuns(t *testing.T) {
	w := newWatched(t)
	_, header, body := w.ask(t, view, "GET /api/v1/starts/webhook/output", "")
	if string(body) != "one\x1b[31m\ntwo\n" {
		t.Errorf("%q", body)
	}
	if header.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(header.Get("Content-Security-Policy"), "sandbox") {
		t.Error(header)
	}
}

func TestPagesFollowEachOther(t *testing.T) {
	w := newWatched(t)
	var ids []string
	for before, n := "", 0; n < 5; n++ {
		var page Starts
		_, _, body := w.ask(t, view, "GET /api/v1/starts?limit=1&before="+before, "")
		if err := json.Unmarshal(body, &page); err != nil {
			t.Fatal(err)
		}
		for _, s := range page.Starts {
			ids = append(ids, s.ID)
		}
		if before = page.Next; before == "" {
			break
		}
	}
	if len(ids) != 3 || !slices.IsSortedFunc(ids, func(a, b string) int { return strings.Compare(b, a) }) {
		t.Errorf("the pages have %v", ids)
	}
}

// ids are what stands for things in the cases.
func (w *watched) ids(t *testing.T) map[string]string {
	ids := map[string]string{}
	starts, _ := w.store.Starts(t.Context(), store.StartQuery{Limit: 1})
	incidents, _ := w.store.Incidents(t.Context(), store.IncidentQuery{Limit: 1})
	windows, _ := w.store.StateOf(t.Context(), "window")
	ids["START"], ids["INCIDENT"], ids["WINDOW"] = starts[0].ID, incidents[0].ID, "01NONE"
	for key := range windows {
		ids["WINDOW"] = strings.TrimPrefix(key, "window:")
	}
	return ids
}

// openAPI is openapi.json, with its schemas compiled.
type openAPI struct {
	Paths map[string]map[string]struct {
		Responses map[string]struct {
			Content map[string]struct {
				Schema struct {
					Ref string `json:"$ref"`
				}
			}
		}
	}
	compiler *jsonschema.Compiler
}

func described(t *testing.T) *openAPI {
	t.Helper()
	d := &openAPI{compiler: jsonschema.NewCompiler()}
	if err := json.Unmarshal(Document(), d); err != nil {
		t.Fatal(err)
	}
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(Document()))
	if err != nil {
		t.Fatal(err)
	}
	d.compiler.AssertFormat()
	if err := d.compiler.AddResource("api.json", parsed); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *openAPI) operations() (all []string) {
	for path, methods := range d.Paths {
		for method := range methods {
			all = append(all, strings.ToUpper(method)+" "+path)
		}
	}
	return all
}

func (d *openAPI) check(operation string, code int, contentType string, body []byte) error {
	method, path, _ := strings.Cut(operation, " ")
	response, ok := d.Paths[path][strings.ToLower(method)].Responses[fmt.Sprint(code)]
	if !ok {
		return fmt.Errorf("the document does not know the answer %d of %s", code, operation)
	}
	kind, _, _ := strings.Cut(contentType, ";")
	content, ok := response.Content[kind]
	if !ok {
		return fmt.Errorf("the document does not know that %s answers %s", operation, kind)
	}
	if kind != "application/json" {
		return nil
	}
	schema, err := d.compiler.Compile("api.json" + content.Schema.Ref)
	if err != nil {
		return err
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return err
	}
	return schema.Validate(value)
}
