package engine

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/moby/moby/api/types/events"
)

const (
	// keepEvents and waiting are the engine's own (daemon/events/events.go).
	keepEvents = 256
	waiting    = 1024
)

// log are the events that were told. The engine's lock guards it.
type log struct {
	kept        []events.Message
	subscribers map[chan events.Message]bool
}

// tell tells of an event. The engine's lock is held.
func (e *Engine) tell(c *Container, action string, attributes map[string]string) time.Time {
	now := time.Now().UTC()
	m := events.Message{Type: events.ContainerEventType, Action: events.Action(action), Scope: "local", Time: now.Unix(), TimeNano: now.UnixNano()}
	m.Actor = events.Actor{ID: c.ID, Attributes: c.labels()}
	m.Actor.Attributes["name"], m.Actor.Attributes["image"] = c.Name, c.image()
	maps.Copy(m.Actor.Attributes, attributes)
	if e.events.kept = append(e.events.kept, m); len(e.events.kept) > keepEvents {
		e.events.kept = slices.Clone(e.events.kept[1:])
	}
	for s := range e.events.subscribers {
		select {
		case s <- m:
		default: // it is slow
		}
	}
	c.poke()
	return now
}

// subscribe returns what was kept since a time, and a channel of what follows.
func (e *Engine) subscribe(since time.Time) (before []events.Message, next chan events.Message, cancel func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !since.IsZero() {
		for _, m := range e.events.kept {
			if m.TimeNano >= since.UnixNano() {
				before = append(before, m)
			}
		}
	}
	next = make(chan events.Message, waiting)
	if e.events.subscribers == nil {
		e.events.subscribers = map[chan events.Message]bool{}
	}
	e.events.subscribers[next] = true
	return before, next, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.events.subscribers, next)
	}
}

func (e *Engine) serveEvents(w http.ResponseWriter, r *http.Request) {
	var filters map[string]map[string]bool
	if text := r.FormValue("filters"); text != "" {
		if err := json.Unmarshal([]byte(text), &filters); err != nil {
			fail(w, http.StatusBadRequest, "invalid filter: "+err.Error())
			return
		}
	}
	wanted := func(m events.Message) bool {
		action, _, _ := strings.Cut(string(m.Action), ":")
		return (filters["type"] == nil || filters["type"][string(m.Type)]) && (filters["event"] == nil || filters["event"][action])
	}
	before, next, cancel := e.subscribe(unixTime(r.FormValue("since")))
	defer cancel()
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	flush := http.NewResponseController(w).Flush
	flush()
	out := json.NewEncoder(w)
	for _, m := range before {
		if wanted(m) {
			out.Encode(m)
		}
	}
	var late <-chan time.Time
	if until := unixTime(r.FormValue("until")); !until.IsZero() {
		late = time.After(time.Until(until))
	}
	for flush() == nil {
		select {
		case <-late:
			return
		case m := <-next:
			if wanted(m) {
				out.Encode(m)
			}
		case <-r.Context().Done():
			return
		}
	}
}

// unixTime reads "1700000000.000000001"; the zero time for what is none.
func unixTime(text string) time.Time {
	seconds, fraction, _ := strings.Cut(text, ".")
	s, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return time.Time{}
	}
	n, _ := strconv.ParseInt((fraction + "000000000")[:9], 10, 64)
	return time.Unix(s, n)
}
