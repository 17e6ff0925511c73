package web

import (
	"context"
	"fmt"
	"html/template"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/cli"
	"github.com/aweigh/aweigh/internal/store"
)

// bars is a row of starts as a picture: the height is the time to the verdict on
// a logarithmic scale, the colour the verdict. What failed has a mark above it as
// well, for those who do not see the colour.
type bars struct {
	all []store.Bar
	max time.Duration
}

// barsOfRow is how many starts a row of the overview shows, barsOfPage a page of
// one service.
const (
	barsOfRow  = 20
	barsOfPage = 60
	barHeight  = 20
)

func (s *Site) barsOf(ctx context.Context, project, service string, n int) (bars, error) {
	all, err := s.Store.BarsOf(ctx, project, service, n)
	b := bars{all: all}
	for _, one := range all {
		b.max = max(b.max, one.Took)
	}
	return b, err
}

// height is 3 to 16 of 20.
func (b bars) height(took time.Duration) int {
	if took < 0 || b.max <= 0 {
		return 3
	}
	share := math.Log1p(float64(took)/float64(20*time.Millisecond)) / math.Log1p(float64(b.max)/float64(20*time.Millisecond))
	return 3 + int(13*share)
}

func toneOfBar(b store.Bar) string {
	if b.Failed {
		return "bad"
	}
	return toneOf(b.Verdict)
}

// Words tell the picture to those who do not see it.
func (b bars) Words() string {
	count := map[string]int{}
	for _, one := range b.all {
		word := string(one.Verdict)
		switch {
		case word == "":
			word = "coming up"
		case one.Failed && one.Verdict == aweigh.Ready:
			word = "ready, crashed later"
		}
		count[word]++
	}
	parts := []string{}
	for _, word := range slices.Sorted(maps.Keys(count)) {
		parts = append(parts, fmt.Sprintf("%d %s", count[word], word))
	}
	return strings.Join(parts, ", ")
}

// Row draws all of them as one outline a tone, filled: bars of a height are one
// step of it, and the style sheet cuts them apart and gives them their size. A page
// has hundreds of rows, and must stay small.
func (b bars) Row() template.HTML {
	var w strings.Builder
	fmt.Fprintf(&w, `<svg role="img" aria-label="%s">`, template.HTMLEscapeString(b.Words()))
	outlines := map[string]string{}
	first := barsOfRow - len(b.all)
	for i := 0; i < len(b.all); {
		tone, from := toneOfBar(b.all[i]), i
		path := fmt.Sprintf("M%d 0", first+i)
		for i < len(b.all) && toneOfBar(b.all[i]) == tone {
			h, at := b.height(b.all[i].Took), i
			for i < len(b.all) && toneOfBar(b.all[i]) == tone && b.height(b.all[i].Took) == h {
				i++
			}
			path += fmt.Sprintf("V%dh%d", h, i-at)
		}
		path += "V0"
		if tone == "bad" { // the mark above
			path += fmt.Sprintf("M%d 18h%dv2h-%d", first+from, i-from, i-from)
		}
		outlines[tone] += path
	}
	for _, tone := range slices.Sorted(maps.Keys(outlines)) {
		fmt.Fprintf(&w, `<path class="%s" d="%s"/>`, tone, outlines[tone])
	}
	return template.HTML(w.String() + "</svg>")
}

// bar is one of them on a page of its service: a link.
type bar struct {
	ID, Tone, Title string
	X, Y, Height    int
	Failed          bool
}

// Each are the bars with their links, 10 apart.
func (b bars) Each() []bar {
	each := make([]bar, len(b.all))
	for i, one := range b.all {
		h := 5 * b.height(one.Took)
		word := cli.VerdictWord(aweigh.Start{Verdict: one.Verdict})
		title := word
		if one.Took >= 0 {
			title += " after " + cli.Human(one.Took)
		}
		if one.Failed && one.Verdict == aweigh.Ready {
			title += ", crashed later"
		}
		if at, ok := aweigh.IDTime(one.ID); ok {
			title = at.UTC().Format("2 Jan 15:04:05 UTC: ") + title
		}
		each[i] = bar{ID: one.ID, Tone: toneOfBar(one), Title: title, X: 10 * i, Y: 5*barHeight - h, Height: h, Failed: toneOfBar(one) == "bad"}
	}
	return each
}

// Width is that of a page's bars in their own units.
func (b bars) Width() int { return 10 * barsOfPage }

// Slowest is the longest time to a verdict among them.
func (b bars) Slowest() time.Duration { return b.max }

// Len is how many there are.
func (b bars) Len() int { return len(b.all) }
