package web

import (
	"bytes"
	"compress/gzip"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/access"
	"github.com/aweigh/aweigh/internal/cli"
	"github.com/aweigh/aweigh/internal/deploy"
	"github.com/aweigh/aweigh/internal/record"
	"github.com/aweigh/aweigh/internal/report"
)

//go:embed pages/*.html
var pageFiles embed.FS

// pages are the templates by name, each within the frame.
type pages map[string]*template.Template

func parsePages() pages {
	all := pages{}
	files, _ := pageFiles.ReadDir("pages")
	for _, f := range files {
		name := strings.TrimSuffix(f.Name(), ".html")
		if name == "frame" {
			continue
		}
		all[name] = template.Must(template.New("frame.html").Funcs(words).ParseFS(pageFiles, "pages/frame.html", "pages/"+f.Name()))
	}
	return all
}

// page is what a template is given.
type page struct {
	Name  string // of the template
	Title string
	Code  int // 0 is 200
	Data  any

	Part    string // of the site: which link of the frame is the present one
	Path    string
	Theme   string
	Host    string
	Version string
	Viewer  access.Viewer
	May     bool // act
	Bare    bool // a page for others: no links into the site
	Open    int  // incidents
}

func (s *Site) render(w http.ResponseWriter, r *http.Request, p page) error {
	p.Viewer, p.Host, p.Version, p.Path = access.Who(r.Context()), s.Host, s.Version, r.URL.RequestURI()
	p.May, p.Theme = p.Viewer.Role >= access.Act, themeOf(r)
	if p.Viewer.Role < access.View {
		p.Bare = true
	} else if open, err := s.Store.CountOpen(r.Context()); err == nil {
		p.Open = open
	}
	var b bytes.Buffer
	if err := s.pages[p.Name].Execute(&b, p); err != nil {
		return fmt.Errorf("page %s: %w", p.Name, err)
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Add("Vary", "Accept-Encoding, Cookie")
	return send(w, r, max(p.Code, http.StatusOK), b.Bytes())
}

// send compresses for those who take it: a page of hundreds of services is a
// tenth. Nothing that pages hold is a secret which a length could tell.
func send(w http.ResponseWriter, r *http.Request, code int, body []byte) error {
	if len(body) < 1000 || !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		w.WriteHeader(code)
		_, err := w.Write(body)
		return err
	}
	w.Header().Set("Content-Encoding", "gzip")
	w.WriteHeader(code)
	z, _ := gzip.NewWriterLevel(w, gzip.BestSpeed)
	if _, err := z.Write(body); err != nil {
		return err
	}
	return z.Close()
}

// words are what templates say.
var words = template.FuncMap{
	"asset":   assetPath,
	"time":    timeTag,
	"clock":   clockTag,
	"iso":     func(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) },
	"outcome": outcomeWord,
	"share":   report.Share,
	"percent": func(share float64) float64 { return 100 * share },
	"day":     func(t time.Time) string { return t.UTC().Format("2 Jan 2006") },
	"human":   func(d time.Duration) string { return cli.Human(max(0, d)) },
	"ms":      func(ms int64) string { return cli.Human(time.Duration(ms) * time.Millisecond) },
	"plain":   record.Plain,
	"short":   func(id string) string { return id[:min(len(id), 10)] },
	"since":   func(t time.Time) string { return cli.Human(time.Since(t)) },
	"service": serviceURL,
	"verdict": cli.VerdictWord,
	"took":    cli.Took,
	"tone":    toneOf,
	"then":    then,
	"state":   incidentState,
	"kind":    func(k aweigh.IncidentKind) string { return string(k) },
	"join":    strings.Join,
	"query":   url.QueryEscape,
	"times":   func(n int) string { return plural(n, "time") },
}

// timeTag is a moment: in UTC here, in the viewer's own zone once the script has
// seen it.
func timeTag(t time.Time) template.HTML {
	if t.IsZero() {
		return "–"
	}
	t = t.UTC()
	return template.HTML(fmt.Sprintf(`<time datetime="%s">%s</time>`, t.Format("2006-01-02T15:04:05.000Z"), t.Format("2 Jan 15:04:05 UTC")))
}

// clockTag is a moment of a line: its time of day.
func clockTag(t time.Time) template.HTML {
	if t.IsZero() {
		return "–"
	}
	t = t.UTC()
	return template.HTML(fmt.Sprintf(`<time datetime="%s" data-clock>%s</time>`, t.Format("2006-01-02T15:04:05.000Z"), t.Format("15:04:05.000")))
}

// serviceURL is the page of a service; more are keys and values of its query,
// of which empty ones are left out.
func serviceURL(project, name string, more ...string) string {
	q := url.Values{}
	for i := 0; i+1 < len(more); i += 2 {
		if more[i+1] != "" {
			q.Set(more[i], more[i+1])
		}
	}
	if project != "" {
		q.Set("project", project)
	}
	u := url.URL{Path: "/services/" + name, RawPath: "/services/" + url.PathEscape(name), RawQuery: q.Encode()}
	return u.String()
}

// tones are the classes of the style sheet for words of state, verdict, end and
// severity. Each word is printed as well: nobody has to see a colour.
var tones = map[string]string{
	"ready": "ok", "resolved": "ok", "stopped": "off", "replaced": "off", "unknown": "off", "running, unproven": "off",
	"coming up": "busy", "": "busy", "info": "busy",
	"deployed": "ok", "rolled-back": "warn", "rollback-failed": "bad", "nothing-done": "off", "not over": "busy", "kept": "ok", "broken": "bad", "passed": "ok", "failed": "bad", "inconclusive": "warn", "not-applicable": "off",
	"failing": "warn", "warning": "warn", "acknowledged": "warn",
	"crashed": "bad", "timed-out": "bad", "refused": "bad", "oom-killed": "bad", "critical": "bad", "open": "bad",
}

func toneOf(word any) string {
	if tone, ok := tones[fmt.Sprint(word)]; ok {
		return tone
	}
	return "off"
}

// then says what came after a start.
func then(s aweigh.Start) string {
	if s.Run != nil && s.Run.End == "" && s.Verdict == aweigh.Ready {
		return "serving"
	}
	return cli.Then(s)
}

// outcomeWord is how a deployment ended.
func outcomeWord(o deploy.Outcome) string {
	if o == deploy.Interrupted {
		return "not over"
	}
	return string(o)
}

// incidentState is a word for it: open, acknowledged, resolved.
func incidentState(n aweigh.Incident) string {
	switch {
	case n.Resolved != nil:
		return "resolved"
	case n.Acknowledged != nil:
		return "acknowledged"
	}
	return "open"
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
