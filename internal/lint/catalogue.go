package lint

import "github.com/aweigh/aweigh"

// Rule is one thing to look for.
type Rule struct {
	ID       string
	Severity aweigh.Severity
	Title    string // what is wrong, in a few words
	Why      string // what it leads to
	Fix      string // what to do, where a finding does not say it better
	// Fixable says that --fix can do it, in most cases.
	Fixable bool

	check func(*project) []Finding
}

// Rules is the catalogue, by family.
func Rules() []Rule {
	return []Rule{
		noHealthcheck, healthcheckProgram, healthcheckWeak, healthcheckPort, healthcheckElsewhere, healthcheckBlind,
		startPeriodMissing, startPeriodShort,
		dependsOnStarted, dependsOnUnchecked,
		portClash, portTaken, loopbackInside,
		floatingTag, floatingBase,
		variableUnset, fileMissing, plainSecret,
		sharedVolume, memoryLimit, logRotation, restartUnwatched,
		stopGrace, signalsLost, initMissing,
	}
}

// RuleByID finds a rule.
func RuleByID(id string) (Rule, bool) {
	for _, r := range Rules() {
		if r.ID == id {
			return r, true
		}
	}
	return Rule{}, false
}
