package engine

import (
	"encoding/binary"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/moby/moby/api/types/container"
)

// apiVersion is that of Docker Engine 20.10, the oldest that Aweigh speaks to.
const apiVersion = "1.41"

// api serves /v1.NN/… and the same without a version.
func (e *Engine) api() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/_ping", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Api-Version", apiVersion)
		w.Header().Set("Ostype", "linux")
		w.Write([]byte("OK"))
	})
	mux.HandleFunc("GET /events", e.serveEvents)
	mux.HandleFunc("GET /containers/json", e.serveList)
	mux.HandleFunc("GET /containers/{id}/json", e.with(func(w http.ResponseWriter, r *http.Request, c *Container) {
		e.mu.Lock()
		held := c.held
		e.mu.Unlock()
		if held != nil {
			select {
			case <-held:
			case <-r.Context().Done():
				return
			}
		}
		e.mu.Lock()
		in := c.inspection()
		e.mu.Unlock()
		answer(w, in)
	}))
	mux.HandleFunc("GET /containers/{id}/logs", e.with(e.serveLogs))
	mux.HandleFunc("POST /containers/{id}/stop", e.with(func(w http.ResponseWriter, _ *http.Request, c *Container) {
		c.Stop()
		w.WriteHeader(http.StatusNoContent)
	}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if rest, ok := strings.CutPrefix(r.URL.Path, "/v"); ok {
			if n := strings.IndexByte(rest, '/'); n > 0 {
				if rest[:n] != apiVersion { // it speaks no other
					fail(w, http.StatusBadRequest, "client version "+rest[:n]+" is too new. Maximum supported API version is "+apiVersion)
					return
				}
				r.URL.Path = rest[n:]
			}
		}
		mux.ServeHTTP(w, r)
	})
}

// with finds the container that a request names by its id or name.
func (e *Engine) with(serve func(http.ResponseWriter, *http.Request, *Container)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id := r.PathValue("id")
		e.mu.Lock()
		c := e.containers[id]
		if n := slices.IndexFunc(e.order, func(c *Container) bool { return c.Name == id }); c == nil && n >= 0 {
			c = e.order[n]
		}
		e.mu.Unlock()
		if c == nil {
			fail(w, http.StatusNotFound, "No such container: "+id)
			return
		}
		serve(w, r, c)
	}
}

func (e *Engine) serveList(w http.ResponseWriter, r *http.Request) {
	all := r.FormValue("all") == "1"
	list := []container.Summary{}
	e.mu.Lock()
	for _, c := range e.order {
		if all || c.status == container.StateRunning {
			list = append(list, c.summary())
		}
	}
	e.mu.Unlock()
	answer(w, list)
}

// serveLogs writes what a container printed, and what it prints until its
// present life ends.
func (e *Engine) serveLogs(w http.ResponseWriter, r *http.Request, c *Container) {
	since, until, follow := unixTime(r.FormValue("since")), unixTime(r.FormValue("until")), r.FormValue("follow") == "1"
	w.Header().Set("Content-Type", "application/vnd.docker.raw-stream")
	flush := http.NewResponseController(w).Flush
	flush()
	e.mu.Lock()
	life := c.life
	e.mu.Unlock()
	last := 0
	for {
		e.mu.Lock()
		var due []output
		for _, o := range c.output {
			if !o.at.Before(since) && (until.IsZero() || !o.at.After(until)) && o.n > last {
				due = append(due, o)
			}
		}
		goesOn := follow && c.status == container.StateRunning && c.life == life
		changed := c.changed
		e.mu.Unlock()
		for _, o := range due {
			write(w, o, c.Tty)
			last = o.n
		}
		if flush() != nil || !goesOn {
			return
		}
		select {
		case <-changed:
		case <-r.Context().Done():
			return
		}
	}
}

// write frames output as the engine does for what has no terminal.
func write(w http.ResponseWriter, o output, tty bool) {
	if !tty {
		header := [8]byte{1}
		if o.stderr {
			header[0] = 2
		}
		binary.BigEndian.PutUint32(header[4:], uint32(len(o.text)))
		w.Write(header[:])
	}
	w.Write(o.text)
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(v)
}

func fail(w http.ResponseWriter, code int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	json.NewEncoder(w).Encode(map[string]string{"message": message})
}
