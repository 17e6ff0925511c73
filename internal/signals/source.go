package signals

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// ask is one way to ask for numbers: what every source comes to. It connects,
// asks, and leaves nothing open, so that a source that was restarted or moved
// is no special case.
type ask func(ctx context.Context, w window) (answer, error)

// opener makes an ask of a signal's source. It checks, and connects to nothing.
// names are those that the rule wants.
type opener func(s Signal, names []string, hidden *secrets) (ask, error)

// sources are the kinds of sources by the scheme of their URL. Another one is
// a file and a line here.
var sources = map[string]opener{
	"sqlite":           openSQLite,
	"postgres":         openPostgres,
	"postgresql":       openPostgres,
	"mysql":            openMySQL,
	"http":             openJSON,
	"https":            openJSON,
	"prometheus+http":  openPrometheus,
	"prometheus+https": openPrometheus,
}

// queryError is a mistake in the query rather than in the source.
type queryError struct{ error }

// openSource finds the opener by the scheme. With an error it says which key
// of the signal has the mistake.
func openSource(s Signal, names []string, hidden *secrets) (ask, string, error) {
	if strings.TrimSpace(s.Source) == "" {
		return nil, "source", errors.New("is missing: say where to ask, such as sqlite:///data/app.db")
	}
	scheme, _, _ := strings.Cut(s.Source, ":")
	open, ok := sources[scheme]
	if !ok {
		schemes := slices.Sorted(maps.Keys(sources))
		if !strings.Contains(s.Source, ":") || len(scheme) > 20 {
			return nil, "source", fmt.Errorf("is no URL: it begins with one of %s, and a colon", strings.Join(schemes, ", "))
		}
		return nil, "source", fmt.Errorf("%s: is no kind of source: there are %s%s", scheme, strings.Join(schemes, ", "), didYouMean(scheme, schemes))
	}
	a, err := open(s, names, hidden)
	var q queryError
	if errors.As(err, &q) {
		return nil, "query", q.error
	}
	return a, "source", err
}

var errNoURL = errors.New("is no URL: write @ : / # ? % of a name or a password as %40 %3A %2F %23 %3F %25")

// parseSource reads the URL of a server. Go's own error would show it, with
// its password.
func parseSource(source string) (*url.URL, error) {
	u, err := url.Parse(source)
	if err != nil || u.Fragment != "" || strings.Contains(u.Path+u.RawQuery, "@") {
		// Of postgres://u:1/2@host a parser takes 1 for a port, and errors would
		// tell it.
		return nil, errNoURL
	}
	if u.Host == "" {
		return nil, fmt.Errorf("has no host: write %s://HOST/…", u.Scheme)
	}
	return u, nil
}

// named is a part of a query that gives one number: "total = sum(trades)".
type named struct{ name, query string }

// namedParts splits a query of lines NAME = QUERY; a line without a name goes
// on with the one before. Without any name the query is one part, named "".
func namedParts(query string) ([]named, error) {
	var parts []named
	for line := range strings.Lines(query) {
		line = strings.TrimSpace(line)
		name, rest, ok := strings.Cut(line, "=")
		name = strings.TrimSpace(name)
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		// PromQL has == and =~, but no = after a bare name.
		case ok && isName(name) && !strings.HasPrefix(rest, "=") && !strings.HasPrefix(rest, "~"):
			if slices.ContainsFunc(parts, func(p named) bool { return p.name == name }) {
				return nil, queryError{fmt.Errorf("%s is named twice", name)}
			}
			if len(parts) > 0 && parts[0].name == "" {
				return nil, queryError{fmt.Errorf("give each number a name: the first has none, and then there is %s", name)}
			}
			parts = append(parts, named{name, strings.TrimSpace(rest)})
		case len(parts) == 0:
			parts = append(parts, named{"", line})
		default:
			last := &parts[len(parts)-1]
			last.query = strings.TrimSpace(last.query + "\n" + line)
		}
	}
	if len(parts) > maxColumns {
		return nil, queryError{fmt.Errorf("has %d numbers: %d are the most", len(parts), maxColumns)}
	}
	for _, p := range parts {
		if p.query == "" {
			return nil, queryError{fmt.Errorf("%s = has nothing behind it", p.name)}
		}
	}
	return parts, nil
}

func isName(s string) bool {
	for i, c := range s {
		letter := c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}
