package diagnose

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

var showTable = flag.Bool("table", false, "print the accuracy by cause, and what was confused with what")

// score counts answers.
type score struct{ right, all int }

func (s score) String() string {
	if s.all == 0 {
		return "-"
	}
	return fmt.Sprintf("%d/%d = %.1f %%", s.right, s.all, 100*float64(s.right)/float64(s.all))
}

func (s *score) count(right bool) {
	s.all++
	if right {
		s.right++
	}
}

func (s score) share() float64 { return float64(s.right) / float64(max(s.all, 1)) }

// tally is how well a set of cases was answered.
type tally struct {
	total, developed, held score
	causes                 map[string]*score
	alarms                 int // healthy cases that were given a failure
	wrong                  []string
}

func judgeAll(all []example) tally {
	t := tally{causes: map[string]*score{}}
	for i := range all {
		x := &all[i]
		got := Diagnose(x.evidence)[0]
		right := x.right(got.ID)
		t.total.count(right)
		if x.heldOut() {
			t.held.count(right)
		} else {
			t.developed.count(right)
		}
		if t.causes[x.Cause] == nil {
			t.causes[x.Cause] = &score{}
		}
		t.causes[x.Cause].count(right)
		if x.Cause == "no-failure" && !right {
			t.alarms++
		}
		if !right {
			half := "developed"
			if x.heldOut() {
				half = "held out"
			}
			t.wrong = append(t.wrong, fmt.Sprintf("%-28s taken for %-28s %.2f  %s (%s, %s)", x.Cause, got.ID, got.Confidence, x.name, x.Program, half))
		}
	}
	return t
}

// perCause is the accuracy averaged over the causes, so that the rare ones count
// as much as the frequent.
func (t tally) perCause() float64 {
	sum := 0.0
	for _, s := range t.causes {
		sum += s.share()
	}
	return sum / float64(max(len(t.causes), 1))
}

func (t tally) table(title string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n  first answer right     %s\n  averaged per cause     %.1f %%\n  programs developed on  %s\n  programs held out      %s\n  false alarms           %d\n\n", title, t.total, 100*t.perCause(), t.developed, t.held, t.alarms)
	for _, id := range slices.Sorted(maps.Keys(t.causes)) {
		fmt.Fprintf(&b, "  %-28s %s\n", id, t.causes[id])
	}
	slices.Sort(t.wrong)
	fmt.Fprintf(&b, "\n  wrong: %d\n", len(t.wrong))
	for _, w := range t.wrong {
		fmt.Fprintln(&b, "    "+w)
	}
	return b.String()
}

func TestAccuracyOnTheCorpus(t *testing.T) {
	got := judgeAll(readExamples(t, "corpus"))
	if *showTable {
		fmt.Println(got.table("testdata/corpus: real programs, really run into failures"))
	}
	if got.total.share() < .95 || got.perCause() < .9 || got.alarms > 0 {
		t.Errorf("right %s, per cause %.1f %%, %d false alarms", got.total, 100*got.perCause(), got.alarms)
	}
}

// From the output and the exit status alone, of those that ended and said
// something.
func TestAccuracyWithoutInspection(t *testing.T) {
	var some []example
	for _, x := range readExamples(t, "corpus") {
		if x.ExitCode != nil && len(x.evidence.Output) > 0 {
			x.evidence.Inspect, x.evidence.Runtime = nil, nil
			some = append(some, x)
		}
	}
	got := judgeAll(some)
	if *showTable {
		fmt.Println(got.table("testdata/corpus, by output, exit status and port alone"))
	}
	if got.total.share() < .9 {
		t.Errorf("right %s", got.total)
	}
}

// Messages on their own, without any other evidence than exit status 1.
func TestAccuracyOnMessages(t *testing.T) {
	file, err := os.ReadFile("testdata/messages.txt")
	if err != nil {
		t.Fatal(err)
	}
	var all []example
	exit := 1
	for line := range strings.Lines(string(file)) {
		cause, rest, _ := strings.Cut(strings.TrimSpace(line), "|")
		program, text, ok := strings.Cut(rest, "|")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		text = strings.NewReplacer(`\n`, "\n", `\t`, "\t").Replace(text)
		x := example{name: "messages.txt", Cause: cause, Program: program, evidence: Evidence{Output: []byte(text), ExitCode: &exit, ExpectedPort: 8080}}
		if cause == "port-permission-denied" {
			x.evidence.ExpectedPort, x.evidence.Inspect = 80, &Inspect{}
			x.evidence.Inspect.Config.User = "1000"
		}
		all = append(all, x)
	}
	got := judgeAll(all)
	if *showTable {
		fmt.Println(got.table("testdata/messages.txt: single messages, from knowledge of their programs"))
	}
	if got.total.share() < .95 {
		t.Errorf("right %s:\n  %s", got.total, strings.Join(got.wrong, "\n  "))
	}
}

// Cases that were written down, not run: counted apart.
func TestAccuracyOnOtherPrograms(t *testing.T) {
	got := judgeAll(readExamples(t, "more"))
	if *showTable {
		fmt.Println(got.table("testdata/more: messages of other programs, from knowledge of them"))
	}
	if got.total.share() < .95 || got.alarms > 0 {
		t.Errorf("right %s, %d false alarms:\n  %s", got.total, got.alarms, strings.Join(got.wrong, "\n  "))
	}
}

// Made lot by lot, each judged before a rule was changed for it: docs/diagnose.md
// has the figures of the first runs.
func TestAccuracyOnFreshFailures(t *testing.T) {
	got := judgeAll(readExamples(t, "fresh"))
	if *showTable {
		fmt.Println(got.table("testdata/fresh: programs of Debian, really run into failures"))
	}
	if got.total.share() < .95 || got.alarms > 0 {
		t.Errorf("right %s, %d false alarms:\n  %s", got.total, got.alarms, strings.Join(got.wrong, "\n  "))
	}
}
