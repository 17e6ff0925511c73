package metrics

import "sync"

// service is what tells services apart.
type service struct{ name, project string }

// other is what all services beyond the bound are called.
var other = service{name: "other"}

// services bounds the values of the labels service and project: containers of
// `docker run` have a new name each.
type services struct {
	mu    sync.Mutex
	known map[service]bool
}

// label is what a service is called in labels, and whether that is new.
func (s *services) label(of service) (service, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.known[of]:
		return of, false
	case len(s.known) >= MaxServices:
		return other, false
	}
	s.known[of] = true
	return of, true
}
