package verify

import (
	"fmt"
	"strings"
	"time"

	"github.com/aweigh/aweigh/internal/cli"
	"github.com/aweigh/aweigh/internal/record"
)

// checks is the table of all checks, in the order in which they are told. One
// without a result does not apply.
var checks = []struct {
	name  string
	judge func(*observation) Check
}{
	{"running", running},
	{"image", image},
	{"restarts", restarts},
	{"healthy", healthy},
	{"start-proven", startProven},
	{"time-to-ready", timeToReady},
	{"endpoint-inside", endpointInside},
	{"endpoint-published", endpointPublished},
	{"port-owner", portOwned},
	{"response-time", responseTime},
	{"new-errors", newErrors},
	{"signals", signalsWell},
}

// settled is how long a container must have been running before it counts: the
// engine itself forgets its backoff then, and a loop is over sooner.
const settled = 10 * time.Second

// each judges every container and gives the worst answer, with the container's
// name where there are several.
func (o *observation) each(expected string, judge func(*instance) (r Result, found string, final bool)) Check {
	worst := Check{Expected: expected}
	rank := map[Result]int{Skipped: 1, Passed: 2, Unknown: 3, Failed: 4}
	for n := range o.instances {
		i := &o.instances[n]
		r, found, final := judge(i)
		if rank[r] <= rank[worst.Result] {
			continue
		}
		if len(o.instances) > 1 && r != Passed && r != Skipped {
			found = i.Name + ": " + found
		}
		worst.Result, worst.Found, worst.final = r, found, final
	}
	return worst
}

// ended reports whether it is a job whose work is done.
func (o *observation) ended() bool {
	if len(o.instances) == 0 {
		return false
	}
	for _, i := range o.instances {
		if i.Status != "exited" || i.Exit == nil || i.Exit.Code != 0 || !o.Job && (i.Policy != "" && i.Policy != "no" && i.Policy != "on-failure" || len(i.Bindings)+len(i.Published) > 0 || i.HealthCheck) {
			return false
		}
	}
	return true
}

func running(o *observation) Check {
	want := max(o.Scale, 1)
	c := Check{Expected: fmt.Sprintf("%d running for %s at least", want, settled)}
	switch {
	case o.failure != "":
		c.Result, c.Found = Unknown, o.failure
		return c
	case len(o.instances) == 0:
		c.Result, c.Found = Failed, "there is no container of it"
		return c
	case o.ended():
		return Check{Result: Passed, Expected: "running, or done with exit status 0", Found: "done with exit status 0"}
	}
	c = o.each(c.Expected, func(i *instance) (Result, string, bool) {
		switch i.Status {
		case "running":
			up := o.at.Sub(i.Started)
			if o.Job { // whoever waits for its end must not be started
				return Failed, "it has not ended yet, after " + cli.Human(up), false
			}
			if up < settled {
				return Failed, "running for " + cli.Human(up), false
			}
			return Passed, "running for " + cli.Human(up), false
		case "restarting":
			return Failed, "it is restarted again and again" + exitOf(i), true
		case "exited", "dead":
			return Failed, "it has ended" + exitOf(i), i.Policy == "" || i.Policy == "no"
		case "created":
			if i.Error != "" {
				return Failed, "it was never started: " + record.Printable(i.Error), true
			}
		}
		return Failed, "it is " + i.Status, false
	})
	if c.Result == Passed && len(o.instances) < want {
		c.Result, c.Found = Failed, fmt.Sprintf("%d running", len(o.instances))
	}
	return c
}

func exitOf(i *instance) string {
	switch {
	case i.Exit == nil:
		return ""
	case i.Exit.OOM:
		return " (killed for want of memory)"
	}
	return fmt.Sprintf(" (exit status %d)", i.Exit.Code)
}

func image(o *observation) Check {
	if len(o.instances) == 0 {
		return Check{}
	}
	if o.intended == "" {
		return Check{Result: Skipped, Expected: "the image that is meant", Found: "no compose file says which"}
	}
	if o.imageID == "" {
		return Check{Result: Unknown, Expected: o.intended, Found: "the engine does not have it under this name", final: true}
	}
	return o.each(o.intended+" ("+short(o.imageID)+")", func(i *instance) (Result, string, bool) {
		if i.ImageID == o.imageID {
			return Passed, short(i.ImageID), false
		}
		return Failed, fmt.Sprintf("%s (%s): recreate the container", record.Printable(i.Image), short(i.ImageID)), true
	})
}

func short(id string) string {
	digest := strings.TrimPrefix(id, "sha256:")
	return "sha256:" + digest[:min(len(digest), 12)]
}

func restarts(o *observation) Check {
	if o.ended() {
		return Check{}
	}
	return o.each("0 since the container was created", func(i *instance) (Result, string, bool) {
		if i.RestartCount > o.Restarted[i.ID] {
			return Failed, fmt.Sprintf("%d %s since %s%s", i.RestartCount, map[bool]string{true: "restart", false: "restarts"}[i.RestartCount == 1], i.Created.Local().Format("15:04:05"), exitOf(i)), true
		}
		return Passed, "0", false
	})
}

func healthy(o *observation) Check {
	if o.ended() {
		return Check{}
	}
	return o.each("healthy", func(i *instance) (Result, string, bool) {
		switch {
		case i.Health == "healthy":
			return Passed, "healthy", false
		case !i.HealthCheck:
			return Skipped, "it has no health check", false
		case i.Status != "running":
			return Failed, "it does not run", false
		}
		found := i.Health
		if found == "" {
			found = "not checked yet"
		}
		if i.HealthSays != "" && i.Health == "unhealthy" {
			found += ": " + safe(i.HealthSays)
		}
		return Failed, found, false
	})
}
