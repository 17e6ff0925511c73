package signals

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// answer is what a source said: cells by the names of their columns. An empty
// one is an answer without a row.
type answer map[string]cell

// cell is one value of an answer: a number, or what there is instead.
type cell struct {
	number float64
	kind   cellKind
	text   string // of a cell that is no number: what it is, for a person
}

type cellKind int

const (
	isNumber cellKind = iota
	isNone            // NULL, NaN: there is no number
	isOther           // a text, a time: the rule can do nothing with it
)

// noNumber is the error of a rule for which a number is missing.
type noNumber struct{ why string }

func (e *noNumber) Error() string { return e.why }

// numbers are the cells that are numbers.
func (a answer) numbers() map[string]float64 {
	var n map[string]float64
	for name, c := range a {
		if c.kind == isNumber {
			if n == nil {
				n = make(map[string]float64, len(a))
			}
			n[name] = c.number
		}
	}
	return n
}

// number looks up one number of the rule.
func (a answer) number(name string) (float64, error) {
	c, ok := a[name]
	switch {
	case len(a) == 0:
		return 0, &noNumber{"the query gave no row"}
	case !ok:
		names := slices.Sorted(maps.Keys(a))
		return 0, fmt.Errorf("rule: %s is not in the answer, which has %s%s", name, some(names, 8), didYouMean(name, names))
	case c.kind == isNone:
		return 0, &noNumber{name + " is " + c.text}
	case c.kind == isOther:
		return 0, fmt.Errorf("rule: %s is no number but %s", name, c.text)
	}
	return c.number, nil
}

func number(v float64) cell {
	// Neither can be compared in a way that people expect, nor be told as JSON.
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return cell{kind: isNone, text: strconv.FormatFloat(v, 'g', -1, 64)}
	}
	return cell{number: v}
}

func none(what string) cell { return cell{kind: isNone, text: what} }

// textCell reads a text as databases give numbers: "27", "96.30", "t".
func textCell(s string) cell {
	trimmed := strings.TrimSpace(s)
	switch trimmed {
	case "t", "true", "TRUE":
		return number(1)
	case "f", "false", "FALSE":
		return number(0)
	}
	// ParseFloat takes hexadecimal and underscores too, which no database means.
	// What is out of range it gives as an infinity.
	v, err := strconv.ParseFloat(trimmed, 64)
	if (err == nil || errors.Is(err, strconv.ErrRange)) && !strings.ContainsAny(trimmed, "xX_") {
		return number(v)
	}
	if len(s) > 40 {
		s = s[:40] + "…"
	}
	return cell{kind: isOther, text: strconv.Quote(s)}
}

// formatNumber writes a number for a person: six digits are enough for a
// fraction, but a count is never rounded.
func formatNumber(v float64) string {
	if v == math.Trunc(v) && math.Abs(v) < 1e15 {
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return strconv.FormatFloat(v, 'g', 6, 64)
}
