package diagnose

import "github.com/aweigh/aweigh"

// Best is the first of an answer as starts and incidents carry it; nil when
// there is nothing to say, for what has failed is not without failure.
func Best(causes []Cause) *aweigh.Cause {
	if len(causes) == 0 || causes[0].ID == "no-failure" {
		return nil
	}
	best := causes[0]
	c := &aweigh.Cause{ID: best.ID, Confidence: best.Confidence, Why: best.Why, Fix: best.Fix}
	if len(best.Evidence) > 0 {
		c.Line = best.Evidence[0].Text
	}
	return c
}
