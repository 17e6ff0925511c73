package startup

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// Check adds a component to the health answer: f is called when somebody asks,
// at most once a second and never twice at a time, with a context that ends
// after Options.CheckTimeout. An error makes the whole answer "fail".
func (s *Startup) Check(component string, f func(ctx context.Context) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.checks = append(s.checks, &check{component: component, f: f, timeout: s.CheckTimeout})
}

// fresh is how long an outcome stands. It keeps a crowd of probes from
// becoming a crowd of queries.
const fresh = time.Second

// check asks a component. One call at most is under way, so that a component
// that hangs costs one goroutine, not one a probe.
type check struct {
	component string
	f         func(context.Context) error
	timeout   time.Duration

	mu      sync.Mutex
	running chan struct{} // closed when the call under way has ended
	err     error
	at      time.Time
	took    time.Duration
}

// outcome returns what is known within the timeout.
func (c *check) outcome() (at time.Time, took time.Duration, err error) {
	c.mu.Lock()
	if !c.at.IsZero() && time.Since(c.at) < fresh {
		defer c.mu.Unlock()
		return c.at, c.took, c.err
	}
	if c.running == nil {
		c.running = make(chan struct{})
		go c.call(c.running)
	}
	running := c.running
	c.mu.Unlock()
	timer := time.NewTimer(c.timeout)
	defer timer.Stop()
	select {
	case <-running:
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.at, c.took, c.err
	case <-timer.C:
		return time.Now(), c.timeout, fmt.Errorf("no answer within %s", c.timeout)
	}
}

func (c *check) call(done chan struct{}) {
	ctx, cancel := context.WithTimeout(context.Background(), c.timeout)
	defer cancel()
	began := time.Now()
	err := c.safely(ctx)
	c.mu.Lock()
	c.err, c.at, c.took, c.running = err, time.Now(), time.Since(began), nil
	c.mu.Unlock()
	close(done)
}

func (c *check) safely(ctx context.Context) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the check panicked: %v", r)
		}
	}()
	return c.f(ctx)
}

// Answer is a health answer in the form of draft-inadarei-api-health-check-06.
type Answer struct {
	Status    string              `json:"status"` // "pass" or "fail"
	Version   string              `json:"version,omitempty"`
	ServiceID string              `json:"serviceId,omitempty"`
	Output    string              `json:"output,omitempty"`
	Notes     []string            `json:"notes,omitempty"`
	Checks    map[string][]Result `json:"checks,omitempty"`
}

// Result is the outcome of one component's check.
type Result struct {
	ComponentType string    `json:"componentType"`
	Status        string    `json:"status"`
	ObservedValue int64     `json:"observedValue"` // how long the check took
	ObservedUnit  string    `json:"observedUnit"`  // "ms"
	Time          time.Time `json:"time"`
	Output        string    `json:"output,omitempty"`
}

// Health asks all components at once, and answers at the latest after
// Options.CheckTimeout. While the service is starting or stopping it does not
// ask them: the status is "fail", and a note says why.
func (s *Startup) Health() Answer {
	s.mu.Lock()
	a := Answer{Status: "pass", Version: s.Version, ServiceID: s.Service}
	switch {
	case s.stopping:
		a.Status, a.Notes = "fail", []string{"stopping"}
	case !s.isReady:
		a.Status = "fail"
		a.Notes = []string{s.starting()}
	}
	checks := s.checks
	s.mu.Unlock()
	if a.Status == "fail" || len(checks) == 0 {
		return a
	}
	results := make([]Result, len(checks))
	var all sync.WaitGroup
	for i, c := range checks {
		all.Go(func() {
			at, took, err := c.outcome()
			results[i] = Result{ComponentType: "component", Status: "pass", ObservedValue: took.Milliseconds(), ObservedUnit: "ms", Time: at.UTC()}
			if err != nil {
				results[i].Status, results[i].Output = "fail", err.Error()
			}
		})
	}
	all.Wait()
	a.Checks = map[string][]Result{}
	for i, c := range checks {
		name := c.component + ":responseTime"
		a.Checks[name] = append(a.Checks[name], results[i])
		if results[i].Status == "fail" {
			a.Status = "fail"
			a.Output = c.component + ": " + results[i].Output
		}
	}
	return a
}

// starting says what the start is in. The caller holds the lock.
func (s *Startup) starting() string {
	p := s.last
	if p == nil {
		return "starting"
	}
	if n := len(s.open); n > 0 {
		p = s.open[n-1]
	}
	return fmt.Sprintf("starting: phase %s, %s", p.name, time.Since(p.since).Round(time.Millisecond))
}

// Handler answers health checks: 200 for "pass", 503 for "fail".
func (s *Startup) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := s.Health()
		w.Header().Set("Content-Type", "application/health+json")
		w.Header().Set("Cache-Control", "no-store")
		if a.Status != "pass" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		json.NewEncoder(w).Encode(a)
	})
}
