package engine

import (
	"fmt"
	"time"

	"github.com/aweigh/aweigh"
)

// Storm tells one fact after another, as package docker and the watcher's
// probes would, of services that start, answer, and die, all the time.
func Storm(services int, began time.Time) func() aweigh.Fact {
	n := 0
	return func() aweigh.Fact {
		k := n / 3 % services
		c := &aweigh.Container{Engine: "docker", ID: fmt.Sprintf("%064x", k), Name: fmt.Sprintf("shop-service-%d-1", k), Service: fmt.Sprintf("service-%d", k), Project: "shop",
			Image: "example.org/service:1.0", Policy: "always", Status: "running", Addr: "172.17.0.9", Published: []int{8080}}
		f := aweigh.Fact{At: began.Add(time.Duration(n) * 5 * time.Millisecond), Instance: c.ID}
		switch n % 3 {
		case 0:
			f.Kind, f.Container, f.ID = aweigh.FactStarted, c, fmt.Sprintf("docker/%d/start", n)
		case 1:
			f.Kind, f.OK, f.Target = aweigh.FactAnswered, true, "tcp://172.17.0.9:8080"
		case 2:
			f.Kind, f.Exit, f.ID = aweigh.FactDied, &aweigh.Exit{Code: 1}, fmt.Sprintf("docker/%d/die", n)
			f.Lines, f.Reason = []string{"Traceback (most recent call last):", "  File \"app.py\", line 3, in <module>", "KeyError: 'DATABASE'"}, "KeyError: 'DATABASE'"
		}
		n++
		return f
	}
}
