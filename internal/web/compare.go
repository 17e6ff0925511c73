package web

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/cli"
	"github.com/aweigh/aweigh/internal/record"
)

// comparison is a start beside the last good one before it.
type comparison struct {
	Good aweigh.Start
	Rows []comparedRow
	// Only are the first lines that this start printed and the good one never
	// did; Missing those that this one did not come to.
	Only, Missing []string
	// Outputs says that there were two outputs to compare.
	Outputs bool
}

type comparedRow struct {
	What, This, Good string
	Differs          bool
}

// linesCompared is how much of each output is compared: starts print what
// matters at their beginning. linesTold is how many differences are told.
const (
	linesCompared = 2000
	linesTold     = 15
)

// compare sets a start beside a good one. rec is its record, nil for none.
func (s *Site) compare(this aweigh.Start, rec *record.Record, good aweigh.Start) *comparison {
	c := &comparison{Good: good}
	dir, goodRec, err := record.Of(s.Records, good)
	if err == nil {
		defer dir.Close()
		fill(&good, goodRec)
	}
	c.row("verdict", cli.VerdictWord(this), cli.VerdictWord(good))
	c.row("after", cli.Took(this), cli.Took(good))
	c.row("image", this.Image, good.Image)
	c.row("command", strings.Join(this.Command, " "), strings.Join(good.Command, " "))
	c.row("instance", shortInstance(this.Instance), shortInstance(good.Instance))
	c.row("host", this.Host, good.Host)
	for _, name := range phaseNames(this, good) {
		c.row("phase "+name, phaseWord(this, name), phaseWord(good, name))
	}
	if err != nil || rec == nil {
		return c
	}
	mine, _, _ := rec.Lines(0, linesCompared, nil)
	its, _, _ := goodRec.Lines(0, linesCompared, nil)
	c.Outputs = len(mine) > 0 && len(its) > 0
	if c.Outputs {
		c.Only, c.Missing = lacking(mine, its), lacking(its, mine)
	}
	return c
}

func (c *comparison) row(what, this, good string) {
	if this == "" && good == "" {
		return
	}
	differs := this != good && what != "after" && what != "instance" && !strings.HasPrefix(what, "phase ")
	c.Rows = append(c.Rows, comparedRow{what, this, good, differs})
}

func shortInstance(id string) string { return id[:min(12, len(id))] }

func phaseNames(starts ...aweigh.Start) []string {
	var names []string
	for _, s := range starts {
		for _, p := range s.Phases {
			if !slices.Contains(names, p.Name) {
				names = append(names, p.Name)
			}
		}
	}
	return names
}

func phaseWord(s aweigh.Start, name string) string {
	for _, p := range s.Phases {
		if p.Name == name {
			word := cli.Human(time.Duration(p.MS) * time.Millisecond)
			if p.Open {
				word += ", not over"
			}
			return word
		}
	}
	return "not reached"
}

// changing is what differs in the same line from start to start: numbers, hex
// ids, times.
var changing = regexp.MustCompile(`0x[0-9a-fA-F]+|[0-9a-fA-F]{8,}|[0-9]+`)

func shape(line string) string { return changing.ReplaceAllString(line, "#") }

// lacking are the lines whose like the others do not have, each once.
func lacking(lines, others []record.Line) []string {
	known := map[string]bool{}
	for _, l := range others {
		known[shape(l.Text)] = true
	}
	var told []string
	for _, l := range lines {
		if k := shape(l.Text); !known[k] && strings.TrimSpace(l.Text) != "" && len(told) < linesTold {
			known[k] = true
			told = append(told, l.Text)
		}
	}
	return told
}
