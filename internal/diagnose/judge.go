package diagnose

import (
	"cmp"
	"slices"
	"strings"
)

// Diagnose names the causes that the evidence speaks for, best first; never none.
// Its time is linear in the evidence, of which it reads a bounded part.
func Diagnose(e Evidence) []Cause {
	s := newScene(e)
	b := board{}
	s.read(b)
	for _, c := range Catalogue {
		if c.judge == nil {
			continue
		}
		if o := c.judge(s); o.score > 0 {
			b.add(c, finding{score: o.score, why: o.why, structural: true, extra: o.lines})
		}
	}
	s.weigh(b)
	return s.answers(b)
}

// finding is the best that speaks for a cause.
type finding struct {
	score      float64
	why        string
	structural bool     // it rests on states and tables, not on text
	lines      []spoken // of the output or the engine
	extra      []Line
}

// spoken is a line that speaks for a cause, and how much.
type spoken struct {
	line  int
	score float64
}

// board holds the best finding of each cause.
type board map[*Entry]*finding

const evidenceLines = 5 // of a cause, at most

func (b board) add(c *Entry, f finding) {
	old := b[c]
	if old == nil {
		b[c] = &f
		return
	}
	// Text and structure that agree make a cause surer.
	if old.structural != f.structural {
		best := max(old.score, f.score)
		best += (1 - best) * min(old.score, f.score) * .5
		if f.score > old.score {
			old.why = f.why
		}
		old.score, old.structural = best, true
		old.extra = append(old.extra, f.extra...)
		old.lines = append(old.lines, f.lines...)
		return
	}
	if f.score > old.score {
		old.score, old.why = f.score, f.why
		old.lines = append(f.lines, old.lines...)
	} else {
		old.lines = append(old.lines, f.lines...)
	}
	if len(old.lines) > evidenceLines {
		old.lines = old.lines[:evidenceLines]
	}
}

// read looks for the signs in the lines.
func (s *scene) read(b board) {
	x := phraseIndex()
	var hits []phrase
	for l := range s.lines {
		line := &s.lines[l]
		if line.frame || line.code {
			continue
		}
		hits = hits[:0]
		x.find(line.low, func(p *phrase) {
			if p.sign == nil {
				line.errnos |= 1 << p.errno
			} else if !slices.ContainsFunc(hits, func(h phrase) bool { return h.sign == p.sign }) {
				hits = append(hits, *p)
			}
		})
		if n := numberedErrno(line.low); n != noErrno {
			line.errnos |= 1 << n
		}
		if line.errnos != 0 {
			hits = append(hits, x.byErrno...)
		}
		engine := l >= s.output || strings.Contains(line.low, "error response from daemon")
		for i := range hits {
			if g := hits[i].sign; g.daemon == engine && g.holds(s, l) {
				score := s.weight(l, g.score)
				b.add(hits[i].cause, finding{score: score, why: g.why, lines: []spoken{{l, score}}})
			}
		}
	}
}

// weight is what a sign is worth at its place: errors more than notes, the end
// and the line that names the exception more than what came before, and less
// when it went on after it.
func (s *scene) weight(l int, score float64) float64 {
	if l >= s.output {
		return score
	}
	switch s.lines[l].level {
	case warn:
		score *= .84
	case calm:
		score *= .8
	}
	if (s.running || s.named > l) && hasAny(s.lines[l].low, "using default|use default|using the default|falling back to|continuing without") {
		score *= .6 // it says that it does without, and did
	}
	switch {
	case l == s.named, s.continuesNamed(l):
		score += (1 - score) * .4
	case s.named >= 0 && l >= s.chain && l < s.named:
		score *= .98
	case s.named >= 0 && l < s.chain:
		score *= .93
	}
	if l < s.tail {
		score *= .92
	}
	switch {
	case s.ready > l && s.named > s.ready: // and then it ended by something else
		score *= .65
	case s.ready > l:
		score *= .85
	}
	return score
}

// continuesNamed tells whether a line is part of the message of the one that names
// the exception: indented, right below.
func (s *scene) continuesNamed(l int) bool {
	if s.named < 0 || l <= s.named || l > s.named+4 {
		return false
	}
	for i := s.named + 1; i <= l; i++ {
		if !strings.HasPrefix(s.lines[i].low, " ") || s.lines[i].frame {
			return false
		}
	}
	return true
}

// weigh lets what is known of the whole decide between what its parts say.
func (s *scene) weigh(b board) {
	serves, refused := s.serves(), len(s.lines) > s.output && !s.running
	for c, f := range b {
		switch {
		case serves && !f.structural && !(s.looping && s.named >= 0):
			f.score *= .3 // noise: it serves
		case serves && c == &noFailure && s.looping && s.named >= 0:
			f.score = .3 // it serves between two crashes
		case c == &crashSignal && s.threwErrno():
			f.score *= .6
		case (c == &bindAddressUnavailable || c == &addressFamilyUnavailable) && s.listens() == onThePort:
			f.score *= .5 // another of its sockets
		case s.running && !f.structural && s.listens() == onThePort && (s.neighbour() || s.answer() != answersNothing):
			f.score *= .85 // it has come to listen all the same
		case s.endedFromOutside() && !f.structural && c != &stoppedExternally && c != &oomKilled:
			f.score *= .8 // it did not end by what it complained of
		case refused && !s.told("error response") && f.structural && (c == &commandNotFound || c == &notExecutable || c == &mainProcessExited):
			f.score *= .8 // the engine's words say more than the status it made up
		}
	}
}

// endedFromOutside tells whether the main process ended by SIGTERM, SIGINT or
// SIGKILL, which no program sends itself for a failure, or well after one.
func (s *scene) endedFromOutside() bool {
	return s.stopped() || s.ended && !s.running && (s.exit == 143 || s.exit == 130 || s.exit == 137)
}

// least is below what a cause is worth naming as the answer.
const least = .4

// answers puts the findings into order and into words.
func (s *scene) answers(b board) []Cause {
	var ranked []*Entry
	for _, c := range Catalogue {
		if b[c] != nil {
			ranked = append(ranked, c)
		}
	}
	slices.SortStableFunc(ranked, func(x, y *Entry) int { return cmp.Compare(b[y].score, b[x].score) })
	if len(ranked) == 0 || b[ranked[0]].score < least {
		b[&unknown] = &finding{score: .5, extra: s.lastLines()}
		ranked = append([]*Entry{&unknown}, ranked...)
	}
	const few = 4
	causes := []Cause{}
	for i, c := range ranked {
		f := b[c]
		if i > 0 && f.score < .3 || len(causes) == few {
			break
		}
		// A cause that is named explains the exception, the hang and the end.
		if i > 0 && (c == &unhandledException || c == &startupHang || c == &mainProcessExited) && b[ranked[0]].score > .6 {
			continue
		}
		causes = append(causes, s.cause(c, f))
	}
	for _, change := range s.Changed[:min(len(s.Changed), evidenceLines)] {
		if causes[0].ID != noFailure.ID {
			causes[0].Evidence = append(causes[0].Evidence, Line{Source: "changed", Text: shown(clean([]byte(change)))})
		}
	}
	return causes
}

// strongest are the lines in their order, without those that say much less than
// others do: the first is shown as the cause's own.
func (f *finding) strongest() (lines []int) {
	best := 0.0
	for _, l := range f.lines {
		best = max(best, l.score)
	}
	for _, l := range f.lines[:min(len(f.lines), evidenceLines)] {
		if l.score >= .9*best {
			lines = append(lines, l.line)
		}
	}
	slices.Sort(lines)
	return lines
}

func (s *scene) cause(c *Entry, f *finding) Cause {
	fill := s.filler()
	why := f.why
	if why == "" {
		why = c.How
	}
	evidence := s.quotes(f.strongest()...)
	for _, line := range f.extra {
		if !slices.Contains(evidence, line) {
			evidence = append(evidence, line)
		}
	}
	if evidence == nil {
		evidence = []Line{}
	}
	confidence := float64(int(min(f.score, .99)*100+.5)) / 100
	return Cause{ID: c.ID, Confidence: confidence, Why: fill.Replace(why), Fix: fill.Replace(c.Fix), Confirm: fill.Replace(c.Confirm), Evidence: evidence}
}

// lastLines are what there is, when nobody knows more.
func (s *scene) lastLines() (lines []Line) {
	for l := len(s.lines) - 1; l >= 0 && len(lines) < evidenceLines; l-- {
		if !s.lines[l].frame && !s.lines[l].code {
			lines = append(lines, s.quote(l))
		}
	}
	slices.Reverse(lines)
	if s.ended {
		lines = append(lines, s.exitLine())
	}
	return lines
}
