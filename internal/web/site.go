// Package web serves what the watcher has seen as pages: an overview, each
// service, start and incident, a status page for others, badges.
//
//	site := web.New(web.Config{Store: st, Records: "/var/lib/aweigh", Guard: guard})
//	mux.Handle("/", site.Handler())
//	site.Changed() // after each transaction: open pages follow
//
// A page is one file of handlers and one template of the same name. All of it is
// rendered here and complete without JavaScript; assets/aweigh.js, written by
// hand, makes it live. What containers print is hostile: html/template escapes
// it, record.Plain makes it printable, and no script or style of a page counts.
package web

import (
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/aweigh/aweigh/internal/access"
	"github.com/aweigh/aweigh/internal/config"
	"github.com/aweigh/aweigh/internal/deploy"
	"github.com/aweigh/aweigh/internal/objective"
	"github.com/aweigh/aweigh/internal/report"
	"github.com/aweigh/aweigh/internal/status"
	"github.com/aweigh/aweigh/internal/store"
)

// Config is what a site needs to know.
type Config struct {
	Store    *store.Store
	Records  string         // the watcher's state directory
	Settings *config.Config // what is in force, for people to look at
	Guard    *access.Guard
	Host     string // the machine's name
	Version  string
	Log      *slog.Logger
}

// Site is the pages. Make it with New.
type Site struct {
	Config
	bell   *bell
	pages  pages
	rows   cache[bars]
	kept   cache[promises]
	judged rested[[]objective.Result]
	stands rested[statusPageData]
	states rested[status.Report]

	once sync.Once
	done chan struct{} // closed when open streams must end
}

// New makes the site.
func New(c Config) *Site {
	return &Site{Config: c, bell: newBell(), pages: parsePages(), done: make(chan struct{})}
}

// source is what objectives are judged by.
func (s *Site) source() report.Source {
	return report.Source{Store: s.Store, Journals: deploy.Journals(s.Records)}
}

// Changed tells open pages that the store has changed. It never blocks.
func (s *Site) Changed() { s.bell.ring() }

// Close ends the open streams, for a server that shuts down.
func (s *Site) Close() { s.once.Do(func() { close(s.done) }) }

// Handler serves the pages. access.Guard.Protect must be around it.
func (s *Site) Handler() http.Handler {
	mux := http.NewServeMux()
	for pattern, page := range map[string]handler{
		"GET /{$}":               s.overview,
		"GET /services/{name}":   s.service,
		"GET /starts/{id}":       s.start,
		"GET /incidents":         s.incidents,
		"GET /incidents/{id}":    s.incident,
		"GET /maintenance":       s.maintenance,
		"GET /deployments":       s.deployments,
		"GET /drills":            s.drills,
		"GET /objectives":        s.objectives,
		"GET /find":              s.find,
		"GET /events":            s.events,
		"GET /starts/{id}/live":  s.live,
		"GET /starts/{id}/files": s.file,
	} {
		mux.Handle(pattern, s.Guard.Need(access.View, s.serve(page)))
	}
	for pattern, act := range map[string]handler{
		"POST /incidents/{id}/acknowledge": s.sayOf(status.Acknowledge),
		"POST /incidents/{id}/resolve":     s.sayOf(status.Resolve),
		"POST /incidents/{id}/comment":     s.sayOf(status.Comment),
		"POST /maintenance":                s.beginMaintenance,
		"POST /maintenance/{id}/end":       s.endMaintenance,
	} {
		mux.Handle(pattern, s.Guard.Need(access.Act, s.serve(act)))
	}
	for pattern, open := range map[string]handler{
		"GET /status":        s.statusPage,
		"GET /badge/{file}":  s.badge,
		"GET /login":         s.loginPage,
		"POST /login":        s.login,
		"POST /logout":       s.logout,
		"POST /theme":        s.theme,
		"GET /assets/{file}": s.asset,
		"GET /favicon.ico":   s.icon,
		"/":                  func(http.ResponseWriter, *http.Request) error { return errNoPage },
	} {
		mux.Handle(pattern, s.serve(open))
	}
	return mux
}

// handler is a page. Its error becomes a page of its own.
type handler func(w http.ResponseWriter, r *http.Request) error

// maxForm is the largest form that is read, in bytes.
const maxForm = 64 << 10

// pageTime is how long a page may take to be written to a slow reader.
const pageTime = 30 * time.Second

func (s *Site) serve(h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		http.NewResponseController(w).SetWriteDeadline(time.Now().Add(pageTime))
		if err := h(w, r); err != nil && r.Context().Err() == nil {
			s.explain(w, r, err)
		}
	}
}

var errNoPage = errors.New("there is no such page")

// explain answers with what is wrong and what to do.
func (s *Site) explain(w http.ResponseWriter, r *http.Request, err error) {
	code, title := http.StatusInternalServerError, "That did not work"
	var refused *status.Refused
	var large *http.MaxBytesError
	switch {
	case errors.Is(err, errNoPage), errors.Is(err, store.ErrNotFound), errors.Is(err, fs.ErrNotExist):
		code, title = http.StatusNotFound, "Not here"
	case errors.As(err, &refused), errors.Is(err, store.ErrAmbiguous):
		code, title = http.StatusConflict, "That cannot be done"
	case errors.As(err, &large):
		code, title = http.StatusRequestEntityTooLarge, "Too much"
	default:
		s.Log.Error(err.Error(), "event", "warning", "page", r.URL.Path)
	}
	s.render(w, r, page{Name: "error", Title: title, Code: code, Data: err.Error()})
}
