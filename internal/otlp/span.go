package otlp

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"

	"github.com/aweigh/aweigh"
)

// The types are those of OTLP's JSON encoding: ids in hexadecimal, 64-bit numbers
// as text (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding).

type request struct {
	ResourceSpans []resourceSpans `json:"resourceSpans"`
}

type resourceSpans struct {
	Resource   resource     `json:"resource"`
	ScopeSpans []scopeSpans `json:"scopeSpans"`
}

type resource struct {
	Attributes []attribute `json:"attributes"`
}

type scopeSpans struct {
	Scope scope  `json:"scope"`
	Spans []span `json:"spans"`
}

type scope struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
}

type span struct {
	TraceID    string      `json:"traceId"`
	SpanID     string      `json:"spanId"`
	ParentID   string      `json:"parentSpanId,omitempty"`
	Name       string      `json:"name"`
	Kind       int         `json:"kind"` // 1: internal
	Start      string      `json:"startTimeUnixNano"`
	End        string      `json:"endTimeUnixNano"`
	Attributes []attribute `json:"attributes,omitempty"`
	Status     status      `json:"status"`
}

type attribute struct {
	Key   string `json:"key"`
	Value value  `json:"value"`
}

type value struct {
	Text string `json:"stringValue"`
}

type status struct {
	Code    int    `json:"code,omitempty"` // 1: ok, 2: error
	Message string `json:"message,omitempty"`
}

// Start is one that has ended, for a trace.
type Start struct {
	aweigh.Start
	// Deployed says that it is the first of its instance: a deployment.
	Deployed bool
}

// trace is a start as spans: the deployment, if it is one, the start, its phases
// one after the other. Ids are derived, so that what is sent twice is the same.
func trace(s Start, version string) resourceSpans {
	began := s.Began
	took := time.Duration(0)
	if s.TookMS != nil {
		took = time.Duration(*s.TookMS) * time.Millisecond
	}
	id := digest("trace", s.ID, 16)
	of := func(seed, parent, name string, from time.Time, length time.Duration) span {
		return span{TraceID: id, SpanID: digest(seed, s.ID, 8), ParentID: parent, Name: name, Kind: 1, Start: nanos(from), End: nanos(from.Add(length))}
	}
	var spans []span
	parent := ""
	outcome := status{Code: 1}
	if s.Verdict.Failed() {
		outcome = status{2, s.Reason}
	} else if s.Verdict != aweigh.Ready {
		outcome = status{}
	}
	if s.Deployed {
		root := of("deployment", "", "deployment "+s.Service, began, took)
		root.Status = outcome
		parent = root.SpanID
		spans = append(spans, root)
	}
	main := of("start", parent, "start "+s.Service, began, took)
	main.Status = outcome
	main.Attributes = some("aweigh.start", s.ID, "aweigh.verdict", string(s.Verdict), "aweigh.reason", s.Reason)
	if s.Probe != nil {
		main.Attributes = append(main.Attributes, some("aweigh.probe", s.Probe.Target)...)
	}
	spans = append(spans, main)
	at := began
	for n, p := range s.Phases {
		length := time.Duration(p.MS) * time.Millisecond
		one := of("phase "+strconv.Itoa(n), main.SpanID, p.Name, at, length)
		if p.Open && s.Verdict.Failed() {
			one.Status = outcome // the one that it hung or died in
		}
		spans = append(spans, one)
		at = at.Add(length)
	}
	return resourceSpans{
		Resource:   resource{some("service.name", s.Service, "service.namespace", s.Project, "service.instance.id", s.Instance, "host.name", s.Host, "container.image.name", s.Image)},
		ScopeSpans: []scopeSpans{{scope{"aweigh", version}, spans}},
	}
}

// some are the attributes that have a value, of names and values in turn.
func some(pairs ...string) (all []attribute) {
	for n := 0; n+1 < len(pairs); n += 2 {
		if pairs[n+1] != "" {
			all = append(all, attribute{pairs[n], value{pairs[n+1]}})
		}
	}
	return all
}

func nanos(t time.Time) string { return strconv.FormatInt(t.UnixNano(), 10) }

func digest(kind, id string, length int) string {
	sum := sha256.Sum256([]byte(kind + "|" + id))
	return hex.EncodeToString(sum[:length])
}
