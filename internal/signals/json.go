package signals

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// openJSON reads http(s)://HOST/PATH?QUERY, which answers with a JSON document.
// Without a query the names of the rule are paths in it: "stats.total". With
// one, each line NAME = PATH names a path. In the URL's query {window_seconds}
// and its like stand for the window.
func openJSON(s Signal, names []string, _ *secrets) (ask, error) {
	u, err := parseSource(s.Source)
	if err != nil {
		return nil, err
	}
	if err := checkHeaders(s.Headers); err != nil {
		return nil, err
	}
	parts, err := namedParts(s.Query)
	if err != nil {
		return nil, err
	}
	if len(parts) == 1 && parts[0].name == "" {
		return nil, queryError{errors.New("for JSON is lines of NAME = PATH, such as total = stats.total; or nothing, and the rule has the paths")}
	}
	if len(parts) == 0 {
		for _, name := range names {
			parts = append(parts, named{name, name})
		}
	}
	c := newClient(s.Headers)
	return func(ctx context.Context, w window) (answer, error) {
		asked := *u
		asked.RawQuery = w.fill(u.RawQuery, url.QueryEscape)
		status, body, err := c.do(ctx, http.MethodGet, &asked, "")
		if err == nil && (status < 200 || status > 299) {
			err = fmt.Errorf("the answer has the status %d %s", status, http.StatusText(status))
		}
		var a answer
		if err == nil {
			a, err = readJSON(body, parts)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", place(u), err)
		}
		return a, nil
	}, nil
}

// readJSON finds the numbers of a document.
func readJSON(body []byte, parts []named) (answer, error) {
	in := json.NewDecoder(bytes.NewReader(body))
	in.UseNumber()
	var document any
	if err := in.Decode(&document); err != nil {
		return nil, fmt.Errorf("the answer is no JSON: %s", oneLine(string(body[:min(len(body), 60)])))
	}
	if in.More() {
		return nil, errors.New("the answer is more than one JSON document")
	}
	a := make(answer, len(parts))
	for _, p := range parts {
		v, err := find(document, p.query)
		if err != nil {
			return nil, err
		}
		a[p.name] = jsonCell(v)
	}
	return a, nil
}

// find follows a path: fields by name, items of lists by number from 0. What
// is below a null is null.
func find(v any, path string) (any, error) {
	whole := path
	for path != "" {
		// A field may have dots in its name: the longest that is there.
		if object, ok := v.(map[string]any); ok {
			if below, ok := object[path]; ok {
				return below, nil
			}
		}
		step, rest, _ := strings.Cut(path, ".")
		switch above := v.(type) {
		case nil:
			return nil, nil
		case map[string]any:
			below, ok := above[step]
			if !ok {
				return nil, noField(whole, step, above)
			}
			v = below
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil {
				return nil, fmt.Errorf("%s: there is a list where %s should be: write its number, from 0", whole, step)
			}
			if i < 0 || i >= len(above) {
				return nil, nil // an empty list is no mistake
			}
			v = above[i]
		default:
			return nil, fmt.Errorf("%s: there is nothing below what comes before %s", whole, step)
		}
		path = rest
	}
	return v, nil
}

func noField(path, step string, object map[string]any) error {
	names := make([]string, 0, len(object))
	for name := range object {
		names = append(names, name)
	}
	slices.Sort(names)
	has := "is empty"
	if len(names) > 0 {
		has = "has " + some(names, 8)
	}
	if step != path {
		step += " of " + path
	}
	return fmt.Errorf("there is no field %s in the answer, which %s%s", step, has, didYouMean(step, names))
}

func jsonCell(v any) cell {
	switch v := v.(type) {
	case nil:
		return none("null")
	case bool:
		return sqlCell(v)
	case string:
		return textCell(v)
	case json.Number:
		return textCell(v.String())
	case []any:
		return cell{kind: isOther, text: "a list"}
	default:
		return cell{kind: isOther, text: "an object"}
	}
}
