package signals

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func row(pairs map[string]float64) answer {
	a := answer{}
	for name, v := range pairs {
		a[name] = number(v)
	}
	return a
}

func TestRulesJudgeNumbers(t *testing.T) {
	a := row(map[string]float64{"linkage": 0, "total": 27, "rate": 96.29629629, "count": 3, "stats.total": 5, "big": 1e9})
	for rule, want := range map[string]bool{
		"linkage == 0 && total > 5":             true,
		"linkage == 0 and not (total <= 5)":     true,
		"total > 5 && linkage > 0":              false,
		"count == 3 && stats.total == 5":        true, // count is a function of expr, too
		"rate / 100 < 0.97":                     true,
		"total / 2 == 13.5 && 1 / 2 == 0.5":     true,
		"max(count, total) == 27 && abs(-1)==1": true,
		"(total > 5 ? linkage : 100) < 1":       true,
		"-linkage == 0 && 2 ** 3 == 8":          true,
		"big == 1000000000":                     true,
	} {
		r, err := compileRule(rule)
		if err != nil {
			t.Errorf("%s: %v", rule, err)
			continue
		}
		if got, err := r.judge(a); got != want || err != nil {
			t.Errorf("%s: %v, %v; want %v", rule, got, err, want)
		}
	}
}

func TestMistakesInRulesAreToldWithTheirPlace(t *testing.T) {
	for rule, want := range map[string]string{
		"":                             "is missing",
		"linkage = 0":                  "column 9",
		"linkage":                      "expected bool, but got float64",
		"1 == 1":                       "always the same",
		`linkage == "0"`:               "not texts (column 12)",
		"linkage % 2 == 0":             "the operator % is not for numbers",
		"all(1..9, total > 5)":         "there is no function all",
		"maxx(linkage, 1) > 0":         "did you mean max?",
		"linkage in [1, 2]":            "the operator in",
		"let a = total; a > 5":         "a rule is made of",
		"total[0] > 5":                 "only names",
		"stats?.total > 5":             "a rule is made of",
		"linkage > nil":                "a rule is made of",
		"_divide(total, 2) > 1":        "there is no function _divide",
		"total > 5 &&\n linkage ==":    "line 2",
		strings.Repeat("!", 5000):      "more than 4096 bytes",
		strings.Repeat("(", 4000):      "column",
		"total > 5 && linkage && true": "column",
	} {
		_, err := compileRule(rule)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%.40s: %v, want one line with %q", rule, err, want)
		}
	}
}

func TestANameThatTheAnswerDoesNotHaveIsToldWithTheNearest(t *testing.T) {
	r, err := compileRule("linkag == 0 && total > 5")
	if err != nil {
		t.Fatal(err)
	}
	a := row(map[string]float64{"linkage": 0})
	a["total"] = none("NULL")
	_, err = r.judge(a)
	if want := "rule: linkag is not in the answer, which has linkage, total: did you mean linkage?"; err == nil || err.Error() != want {
		t.Errorf("%v, want %q", err, want)
	}
}

// NaN makes every comparison false, which would read as "all is well".
func TestARuleWithoutItsNumbersJudgesNothing(t *testing.T) {
	for _, c := range []struct {
		rule, why string
		a         answer
	}{
		{"total > 5", "the query gave no row", nil},
		{"total > 5 || linkage == 0", "linkage is NULL", answer{"total": number(9), "linkage": none("NULL")}},
		{"linked / total < 0.1", "divides by zero: linked is 0, total is 0", row(map[string]float64{"linked": 0, "total": 0})},
		{"rate < 1", "rate is NaN", answer{"rate": textCell("NaN")}},
		{"rate < 1", "rate is +Inf", answer{"rate": textCell("+Inf")}},
	} {
		r, err := compileRule(c.rule)
		if err != nil {
			t.Fatal(err)
		}
		_, err = r.judge(c.a)
		if !errors.As(err, new(*noNumber)) || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%s: %v, want %q", c.rule, err, c.why)
		}
	}
	r, _ := compileRule("total > 5 && linked / total < 0.1") // the volume guards the division
	if bad, err := r.judge(row(map[string]float64{"linked": 0, "total": 0})); bad || err != nil {
		t.Errorf("%v, %v", bad, err)
	}
}

func TestNumbersAreToldAsPeopleWriteThem(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 27: "27", 96.296296296: "96.2963", 1234567: "1234567", 0.00001: "1e-05", -3.5: "-3.5"} {
		if got := formatNumber(v); got != want {
			t.Errorf("%v: %s, want %s", v, got, want)
		}
	}
}

// No rule may panic, hang, or say something else than yes or no.
func FuzzRule(f *testing.F) {
	for _, seed := range []string{"linkage == 0 && total > 5", "a / b < 0.1", "all(1..9, # > a)", "let x = 1; x > a", "a.b.c > 1", "(a ? b : c) > 1", "2 ** 2 ** a > 1", "a??1", "1/0>a"} {
		f.Add(seed, 1.5)
	}
	f.Fuzz(func(t *testing.T, text string, v float64) {
		r, err := compileRule(text)
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Fatalf("more than one line: %q", err)
			}
			return
		}
		a := answer{}
		for _, name := range r.names {
			a[name] = number(v)
		}
		began := time.Now()
		r.judge(a)
		if took := time.Since(began); took > time.Second {
			t.Fatalf("took %s", took)
		}
	})
}

// Whatever is compared with what is no number is false, which is to say that all is
// well: of a deviation, the root of what came out a little below zero.
func TestARuleIsMissingWhereItHasNoNumber(t *testing.T) {
	for _, text := range []string{"(a - b) ** 0.5 > 3", "(a - b) ^ 0.5 > 3", "a ** -1 > 3", "b ** 999 > 3", "(b > 1 ? 1 : 2.5) / a < 3", "(b > 1 ? 1 : 2) / a < 3"} {
		r, err := compileRule(text)
		if err != nil {
			t.Fatal(err)
		}
		bad, err := r.judge(answer{"a": number(0), "b": number(4)})
		if !errors.As(err, new(*noNumber)) {
			t.Errorf("%s: %t, %v", text, bad, err)
		}
	}
	for text, want := range map[string]bool{"b ** 2 == 16": true, "2 ^ 3 < b": false, "b / 2 == 2": true, "7 / 2 == 3.5 && b > 0": true} {
		r, err := compileRule(text)
		if err != nil {
			t.Fatal(err)
		}
		if bad, err := r.judge(answer{"b": number(4)}); err != nil || bad != want {
			t.Errorf("%s: %t, %v", text, bad, err)
		}
	}
}
