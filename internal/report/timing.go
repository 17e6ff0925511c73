package report

import (
	"cmp"
	"slices"

	"github.com/aweigh/aweigh"
)

// Timing is how long starts took until they were ready. Starts that failed, or
// were first seen when they might have been ready for long, are not in it.
type Timing struct {
	Count    int    `json:"count"`
	MedianMS *int64 `json:"median_ms"`
	P99MS    *int64 `json:"p99_ms"` // the slowest, of fewer than 100
	// Phases are those that took longest at the median, at most three.
	Phases []Phase `json:"slowest_phases,omitempty"`

	slowest int64
}

// Phase is how long a phase took, at the median of the starts that had it.
type Phase struct {
	Name     string `json:"name"`
	MedianMS int64  `json:"median_ms"`
}

func timing(starts []aweigh.Start) Timing {
	var took []int64
	phases := map[string][]int64{}
	for _, s := range starts {
		if s.Verdict != aweigh.Ready || s.TookMS == nil {
			continue
		}
		took = append(took, *s.TookMS)
		for _, p := range s.Phases {
			phases[p.Name] = append(phases[p.Name], p.MS)
		}
	}
	t := Timing{Count: len(took)}
	if t.Count == 0 {
		return t
	}
	slices.Sort(took)
	median, p99 := quantile(took, 0.5), quantile(took, 0.99)
	t.MedianMS, t.P99MS, t.slowest = &median, &p99, took[len(took)-1]
	for name, all := range phases {
		slices.Sort(all)
		t.Phases = append(t.Phases, Phase{name, quantile(all, 0.5)})
	}
	slices.SortFunc(t.Phases, func(a, b Phase) int { return cmp.Or(cmp.Compare(b.MedianMS, a.MedianMS), cmp.Compare(a.Name, b.Name)) })
	t.Phases = t.Phases[:min(len(t.Phases), 3)]
	return t
}

// quantile is the nearest rank: a value that was measured. sorted has one at
// least.
func quantile(sorted []int64, q float64) int64 {
	rank := int(q*float64(len(sorted)) + 0.999999)
	return sorted[min(max(rank, 1), len(sorted))-1]
}

// ratio is how many times as long the one takes, at the median.
func ratio(t, before Timing) *float64 {
	if t.Count == 0 || before.Count == 0 {
		return nil
	}
	r := float64(max(*t.MedianMS, 1)) / float64(max(*before.MedianMS, 1))
	return &r
}

const (
	// slowerBy is from how many times the former median on, and slowerMS from
	// how many milliseconds more on, a start is slower to a person.
	slowerBy = 1.25
	slowerMS = 500
)

// slower reports whether an image is a regression: its median is worse by what
// a person would notice, and than the slowest start of the image before. There
// are often few starts of an image, and means of few say nothing.
func slower(t, before Timing) bool {
	r := ratio(t, before)
	return r != nil && *r >= slowerBy && *t.MedianMS-*before.MedianMS >= slowerMS && *t.MedianMS > before.slowest
}
