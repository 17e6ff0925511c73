package lint

import (
	"fmt"
	"slices"
	"time"

	"github.com/compose-spec/compose-go/v2/types"

	"github.com/aweigh/aweigh"
)

var startPeriodMissing = Rule{
	ID: "start-period-missing", Severity: aweigh.Warning, Title: "the health check has no start_period", Fixable: true,
	Why:   "Checks that fail while the service comes up count at once: it is called unhealthy in the middle of its start. A longer one costs little: the first success ends it.",
	Fix:   "Add start_period to the healthcheck.",
	check: each(checkStartPeriodMissing),
}

// usualStart is what is proposed where no start was measured.
const usualStart = 60 * time.Second

func checkStartPeriodMissing(s *service) []Finding {
	h := &s.health
	if !h.there() || h.startPeriodSaid {
		return nil
	}
	want, measured := usualStart, "no start of it was measured"
	if p99, n := s.p99(); n > 0 {
		want, measured = proposed(p99), told(p99, n)
	}
	f := s.healthFound("the health check has no start_period; "+measured, "start_period")
	f.Fix = fmt.Sprintf("start_period: %s", human(want))
	f.edit = s.addToHealthcheck("start_period: " + human(want))
	return []Finding{f}
}

var startPeriodShort = Rule{
	ID: "start-period-short", Severity: aweigh.Critical, Title: "start_period is shorter than the starts that were measured", Fixable: true,
	Why:   "A start that is as slow as some were already is called unhealthy while it comes up.",
	Fix:   "Raise start_period above the 99th percentile.",
	check: each(checkStartPeriodShort),
}

func checkStartPeriodShort(s *service) []Finding {
	h := &s.health
	p99, n := s.p99()
	if !h.there() || !h.startPeriodSaid || n == 0 || p99 <= h.startPeriod {
		return nil
	}
	f := s.healthFound(fmt.Sprintf("start_period is %s, and %s", human(h.startPeriod), told(p99, n)), "start_period")
	if p99 <= h.startPeriod+time.Duration(h.retries-1)*h.interval {
		f.Severity = aweigh.Warning // the retries still bridge it
	}
	f.Fix = fmt.Sprintf("start_period: %s", human(proposed(p99)))
	if h.startPeriodFrom == "compose" {
		f.edit = s.replace(human(proposed(p99)), "healthcheck", "start_period")
	}
	return []Finding{f}
}

// proposed is a start_period for a 99th percentile: half as much again, in steps
// of 5 s, and 10 s at least.
func proposed(p99 time.Duration) time.Duration {
	const step = 5 * time.Second
	return max(10*time.Second, (p99*3/2+step-1)/step*step)
}

func told(p99 time.Duration, n int) string {
	if n == 1 {
		return fmt.Sprintf("the one start that was measured took %s", human(p99))
	}
	return fmt.Sprintf("the 99th percentile of %d starts that were measured is %s", n, human(p99))
}

var dependsOnStarted = Rule{
	ID: "depends-on-started", Severity: aweigh.Warning, Title: "depends_on without service_healthy", Fixable: true,
	Why:   "Compose starts it when the other container is started, not when it serves: the first connection is refused.",
	Fix:   "Write depends_on as a mapping, with condition: service_healthy.",
	check: each(checkDependsOnStarted),
}

func checkDependsOnStarted(s *service) (all []Finding) {
	for _, name := range sorted(s.DependsOn) {
		other := s.p.byName[name]
		if other == nil || s.DependsOn[name].Condition != types.ServiceConditionStarted || other.job() {
			continue
		}
		if !s.says("depends_on", name) {
			continue // by links, volumes_from or network_mode
		}
		written := s.says("depends_on", name, "condition")
		f := s.found(fmt.Sprintf("it is started before %s serves: depends_on does not wait for service_healthy", quote(name)), "depends_on", name)
		switch {
		case written:
			f.Severity = aweigh.Info // somebody meant it
		case other.health.there():
			if f.edit = s.dependOnHealthy(); f.edit != nil {
				f.Fix = "depends_on: " + f.edit.new
			}
		case other.health.imageUnknown && !other.health.disabled:
			f.Fix = fmt.Sprintf("Give %s a healthcheck, unless its image has one; then write depends_on as a mapping, with condition: service_healthy.", quote(name))
		default:
			f.Severity = aweigh.Info // there is nothing to wait for, and no-healthcheck says so
			f.Fix = fmt.Sprintf("Give %s a healthcheck; then write depends_on as a mapping, with condition: service_healthy.", quote(name))
		}
		all = append(all, f)
	}
	return all
}

var dependsOnUnchecked = Rule{
	ID: "depends-on-unchecked", Severity: aweigh.Critical, Title: "it waits for the health of a service that has no health check",
	Why:   "Compose refuses to start it: the container has no healthcheck configured.",
	Fix:   "Give the other service a healthcheck.",
	check: each(checkDependsOnUnchecked),
}

func checkDependsOnUnchecked(s *service) (all []Finding) {
	for _, name := range sorted(s.DependsOn) {
		other := s.p.byName[name]
		if other == nil || s.DependsOn[name].Condition != types.ServiceConditionHealthy || other.health.there() {
			continue
		}
		f := s.found(fmt.Sprintf("it waits for the health of %s, which has no health check", quote(name)), "depends_on", name)
		if other.health.imageUnknown && !other.health.disabled {
			f.Message = fmt.Sprintf("it waits for the health of %s, which has no health check unless its image has one: that is not known here", quote(name))
			f.Severity = aweigh.Info
		}
		all = append(all, f)
	}
	return all
}

func sorted[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
