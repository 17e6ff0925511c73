package signals

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// window is the time that a query looks at.
type window struct {
	until  time.Time
	length time.Duration
}

func (w window) since() time.Time { return w.until.Add(-w.length) }

// windowNames are what a query may say of the window. A database is given the
// values as parameters; times are written as its dialect has them.
var windowNames = map[string]func(w window, layout string) any{
	"since":          func(w window, layout string) any { return w.since().UTC().Format(layout) },
	"until":          func(w window, layout string) any { return w.until.UTC().Format(layout) },
	"since_unix":     func(w window, _ string) any { return w.since().Unix() },
	"until_unix":     func(w window, _ string) any { return w.until.Unix() },
	"since_unix_ms":  func(w window, _ string) any { return w.since().UnixMilli() },
	"until_unix_ms":  func(w window, _ string) any { return w.until.UnixMilli() },
	"window_seconds": func(w window, _ string) any { return int64(w.length / time.Second) },
}

// values are the parameters of a query, in its order.
func (w window) values(names []string, layout string) []any {
	v := make([]any, len(names))
	for i, name := range names {
		v[i] = windowNames[name](w, layout)
	}
	return v
}

var braced = regexp.MustCompile(`\{[a-z_]+\}`)

// fill puts the window into what knows no parameters, PromQL and the query of
// a URL: {window_seconds}. All that is put in are digits and times.
func (w window) fill(text string, escape func(string) string) string {
	return braced.ReplaceAllStringFunc(text, func(b string) string {
		value, ok := windowNames[strings.Trim(b, "{}")]
		if !ok {
			return b
		}
		switch v := value(w, time.RFC3339).(type) {
		case int64:
			return strconv.FormatInt(v, 10)
		default:
			return escape(fmt.Sprint(v))
		}
	})
}

// unknownPlaceholder is the error of a :name that is none of the window's.
func unknownPlaceholder(name string) error {
	names := slices.Sorted(maps.Keys(windowNames))
	return fmt.Errorf(":%s is no parameter: there are :%s%s", name, strings.Join(names, ", :"), didYouMean(name, names))
}
