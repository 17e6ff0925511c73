// Package collecting_test has the OTLP receiver of the OpenTelemetry collector take
// what the watcher sends: its decoder, its rules for ids, its answers. It is a
// module of its own, since that receiver needs some eighty modules which nothing
// else does.
package collecting_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
	"go.opentelemetry.io/collector/receiver/receivertest"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/otlp"
)

// patience is for a machine that has more to do.
const patience = time.Minute

// collector is the collector's receiver by its URL, what it took, and the bodies
// that came to it.
func collector(t *testing.T) (string, *consumertest.TracesSink, chan []byte) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	factory := otlpreceiver.NewFactory()
	config := factory.CreateDefaultConfig()
	said := map[string]any{"protocols": map[string]any{"http": map[string]any{"endpoint": address}}}
	if err := confmap.NewFromStringMap(said).Unmarshal(config); err != nil {
		t.Fatal(err)
	}
	got := new(consumertest.TracesSink)
	r, err := factory.CreateTraces(t.Context(), receivertest.NewNopSettings(factory.Type()), config, got)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Start(t.Context(), componenttest.NewNopHost()); err != nil {
		t.Fatal(err)
	}
	bodies := make(chan []byte, 100)
	to := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: address})
	to.ModifyResponse = func(answer *http.Response) error {
		if answer.StatusCode != http.StatusOK {
			b, _ := io.ReadAll(answer.Body)
			t.Errorf("the collector answers %s: %s", answer.Status, b)
			answer.Body = io.NopCloser(bytes.NewReader(b))
		}
		return nil
	}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		bodies <- b
		r.Body = io.NopCloser(bytes.NewReader(b))
		to.ServeHTTP(w, r)
	}))
	t.Cleanup(func() { front.Close(); r.Shutdown(context.Background()) })
	return front.URL, got, bodies
}

// send has an exporter send starts, and returns the spans that the collector has
// then, by their names.
func send(t *testing.T, starts ...otlp.Start) (spans map[string]seen, body []byte) {
	t.Helper()
	url, got, bodies := collector(t)
	x := otlp.New(url, "v1.2.3", slog.New(slog.DiscardHandler))
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	for _, s := range starts {
		x.Send(s)
	}
	go func() { defer close(ended); x.Run(ctx) }()
	defer func() { stop(); <-ended }()
	deadline := time.After(patience)
	select {
	case body = <-bodies:
	case <-deadline:
		t.Fatalf("nothing came within %s", patience)
	}
	for got.SpanCount() == 0 {
		if t.Failed() { // it was refused
			t.FailNow()
		}
		select {
		case <-deadline:
			t.Fatalf("it took nothing within %s of %s", patience, body)
		case <-time.After(10 * time.Millisecond):
		}
	}
	spans = map[string]seen{}
	for _, traces := range got.AllTraces() {
		for _, r := range traces.ResourceSpans().All() {
			for _, scope := range r.ScopeSpans().All() {
				if s := scope.Scope(); s.Name() != "aweigh" || s.Version() != "v1.2.3" {
					t.Errorf("the scope is %s %s", s.Name(), s.Version())
				}
				for _, one := range scope.Spans().All() {
					spans[one.Name()] = seen{one, r.Resource().Attributes().AsRaw()}
				}
			}
		}
	}
	return spans, body
}

// seen is a span as the collector has it.
type seen struct {
	ptrace.Span
	resource map[string]any
}

func (s seen) took() time.Duration {
	return s.EndTimestamp().AsTime().Sub(s.StartTimestamp().AsTime())
}

var began = time.Date(2026, 11, 25, 8, 0, 0, 123456789, time.UTC)

func start(id string, verdict aweigh.Verdict, took time.Duration, phases ...aweigh.Phase) otlp.Start {
	ms := took.Milliseconds()
	return otlp.Start{Start: aweigh.Start{ID: id, Service: "webhook", Project: "shop", Instance: "4f1c", Host: "aws-1", Image: "webhook:2", Began: began, Verdict: verdict, TookMS: &ms,
		Reason: "it \"said\" \x1b[31mso\x1b[0m\n and \xff", Phases: phases, Probe: &aweigh.Probe{Target: "http://127.0.0.1:5003/health"}}}
}

func TestTheCollectorSeesADeploymentItsStartAndItsPhases(t *testing.T) {
	s := start("01JDDEPLOYED", aweigh.Ready, 1300*time.Millisecond, aweigh.Phase{Name: "exec", MS: 3}, aweigh.Phase{Name: "database", MS: 1297})
	s.Deployed = true
	spans, body := send(t, s)
	root, main := spans["deployment webhook"], spans["start webhook"]
	if len(spans) != 4 {
		t.Fatalf("%d spans: %s", len(spans), body)
	}
	ids := map[pcommon.SpanID]bool{}
	for name, one := range spans {
		if one.TraceID().IsEmpty() || one.TraceID() != root.TraceID() || one.SpanID().IsEmpty() || ids[one.SpanID()] || one.Kind() != ptrace.SpanKindInternal {
			t.Errorf("%s: trace %s, span %s, kind %s", name, one.TraceID(), one.SpanID(), one.Kind())
		}
		ids[one.SpanID()] = true
	}
	if !root.ParentSpanID().IsEmpty() || main.ParentSpanID() != root.SpanID() || spans["exec"].ParentSpanID() != main.SpanID() || spans["database"].ParentSpanID() != main.SpanID() {
		t.Errorf("the parents are wrong: %s", body)
	}
	if at := main.StartTimestamp().AsTime(); !at.Equal(began) || main.took() != 1300*time.Millisecond || root.took() != main.took() {
		t.Errorf("the start is at %s and takes %s", at, main.took())
	}
	if exec, db := spans["exec"], spans["database"]; exec.StartTimestamp() != main.StartTimestamp() || db.StartTimestamp() != exec.EndTimestamp() || db.EndTimestamp() != main.EndTimestamp() {
		t.Errorf("the phases do not follow each other: %s", body)
	}
	for _, name := range []string{"deployment webhook", "start webhook"} {
		if spans[name].Status().Code() != ptrace.StatusCodeOk {
			t.Errorf("%s is %s", name, spans[name].Status().Code())
		}
	}
	want := map[string]any{"service.name": "webhook", "service.namespace": "shop", "service.instance.id": "4f1c", "host.name": "aws-1", "container.image.name": "webhook:2"}
	if !reflect.DeepEqual(root.resource, want) {
		t.Errorf("the resource is %v", root.resource)
	}
	attributes := main.Attributes().AsRaw()
	if attributes["aweigh.start"] != "01JDDEPLOYED" || attributes["aweigh.verdict"] != "ready" || attributes["aweigh.probe"] != "http://127.0.0.1:5003/health" {
		t.Errorf("the start says %v", attributes)
	}
}

func TestTheCollectorSeesWhichPhaseAStartFailedIn(t *testing.T) {
	for verdict, code := range map[aweigh.Verdict]ptrace.StatusCode{aweigh.TimedOut: ptrace.StatusCodeError, aweigh.Crashed: ptrace.StatusCodeError, aweigh.Refused: ptrace.StatusCodeError,
		aweigh.Stopped: ptrace.StatusCodeUnset, aweigh.Unknown: ptrace.StatusCodeUnset} {
		spans, body := send(t, start("01JD"+string(verdict), verdict, 4*time.Second, aweigh.Phase{Name: "exec", MS: 3}, aweigh.Phase{Name: "database", MS: 3997, Open: true}))
		main := spans["start webhook"]
		if len(spans) != 3 || !main.ParentSpanID().IsEmpty() {
			t.Errorf("%s: %s", verdict, body)
			continue
		}
		if main.Status().Code() != code || spans["database"].Status().Code() != code || spans["exec"].Status().Code() != ptrace.StatusCodeUnset {
			t.Errorf("%s: the start is %s, the open phase %s, the other %s", verdict, main.Status().Code(), spans["database"].Status().Code(), spans["exec"].Status().Code())
		}
		if message := main.Status().Message(); code == ptrace.StatusCodeError && !strings.HasPrefix(message, `it "said" `) {
			t.Errorf("%s: because %q", verdict, message)
		}
	}
}

func TestManyStartsComeInOneRequestEachWithATraceOfItsOwn(t *testing.T) {
	var starts []otlp.Start
	for n := range 50 {
		s := start(fmt.Sprintf("01JD%02d", n), aweigh.Ready, time.Second)
		s.Service = fmt.Sprintf("web-%d", n)
		starts = append(starts, s)
	}
	spans, _ := send(t, starts...)
	traces := map[pcommon.TraceID]bool{}
	for _, one := range spans {
		traces[one.TraceID()] = true
	}
	if len(spans) != 50 || len(traces) != 50 {
		t.Errorf("%d spans in %d traces", len(spans), len(traces))
	}
}

// A decoder leaves out fields that it does not know, as OTLP wants it: a name that is
// written wrong is seen by what is no longer there.
func TestEachFieldIsOneThatTheCollectorKnows(t *testing.T) {
	s := start("01JDFIELDS", aweigh.TimedOut, 4*time.Second, aweigh.Phase{Name: "database", MS: 4000, Open: true})
	s.Deployed = true
	_, body := send(t, s)
	r := ptraceotlp.NewExportRequest()
	if err := r.UnmarshalJSON(body); err != nil {
		t.Fatal(err)
	}
	back, err := r.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	var ours, theirs any
	if err := json.Unmarshal(body, &ours); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(back, &theirs); err != nil {
		t.Fatal(err)
	}
	for _, what := range lost("", ours, theirs) {
		t.Errorf("the collector does not have %s", what)
	}
	if t.Failed() {
		t.Logf("sent %s\nread %s", body, back)
	}
}

// lost are the places in a document that are not the same in another.
func lost(at string, ours, theirs any) (all []string) {
	switch of := ours.(type) {
	case map[string]any:
		in, _ := theirs.(map[string]any)
		for name, value := range of {
			all = append(all, lost(at+"."+name, value, in[name])...)
		}
	case []any:
		in, _ := theirs.([]any)
		for n, value := range of {
			if n >= len(in) {
				return append(all, fmt.Sprintf("%s[%d]", at, n))
			}
			all = append(all, lost(fmt.Sprintf("%s[%d]", at, n), value, in[n])...)
		}
	default:
		if !reflect.DeepEqual(ours, theirs) {
			return []string{fmt.Sprintf("%s = %v (it has %v)", at, ours, theirs)}
		}
	}
	return all
}
