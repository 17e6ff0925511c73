package signals

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// openPrometheus reads prometheus+http(s)://HOST/[PREFIX][?label=NAME] and asks
// /api/v1/query, https://prometheus.io/docs/prometheus/latest/querying/api/.
// One request with a form and one answer in JSON: the client library, with its
// own JSON and its model, would be 4 MB more for that.
//
// A query with one sample gives the number "value"; lines NAME = PROMQL give
// one each; with a label, the samples are named by its values.
func openPrometheus(s Signal, names []string, _ *secrets) (ask, error) {
	u, err := parseSource(strings.TrimPrefix(s.Source, "prometheus+"))
	if err != nil {
		return nil, err
	}
	if err := checkHeaders(s.Headers); err != nil {
		return nil, err
	}
	label, err := labelOf(u)
	if err != nil {
		return nil, err
	}
	parts, err := namedParts(s.Query)
	if err != nil {
		return nil, err
	}
	if len(parts) == 0 {
		return nil, queryError{errors.New("is missing: write the PromQL that gives the number")}
	}
	if label != "" && parts[0].name != "" {
		return nil, queryError{errors.New("names its numbers, and so does the label of the source: one of them is enough")}
	}
	u.RawQuery = ""
	u = u.JoinPath("api/v1/query")
	c := newClient(s.Headers)
	return func(ctx context.Context, w window) (answer, error) {
		a := make(answer, len(parts))
		for _, p := range parts {
			samples, err := c.queryPrometheus(ctx, u, w, p.query)
			if err == nil {
				err = a.addSamples(samples, p.name, label)
			}
			if err != nil {
				return nil, fmt.Errorf("prometheus %s://%s: %w", u.Scheme, u.Host, err)
			}
		}
		if label != "" {
			a.addMissing(names, label)
		}
		return a, nil
	}, nil
}

// labelOf takes the one option that there is from the URL.
func labelOf(u *url.URL) (string, error) {
	options, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return "", errors.New("the options after ? cannot be read")
	}
	for name := range options {
		if name != "label" {
			return "", fmt.Errorf("there is no option %s for prometheus: there is label", name)
		}
	}
	return options.Get("label"), nil
}

// sample is one series of an answer.
type sample struct {
	Metric map[string]string `json:"metric"`
	Value  [2]any            `json:"value"` // the time, and the number as a text
}

func (c *client) queryPrometheus(ctx context.Context, u *url.URL, w window, query string) ([]sample, error) {
	form := url.Values{
		"query": {w.fill(query, func(s string) string { return s })},
		"time":  {strconv.FormatFloat(float64(w.until.UnixMilli())/1000, 'f', 3, 64)},
	}
	status, body, err := c.do(ctx, http.MethodPost, u, form.Encode())
	if err != nil {
		return nil, err
	}
	var said struct {
		Status string `json:"status"`
		Error  string `json:"error"`
		Data   struct {
			Type   string          `json:"resultType"`
			Result json.RawMessage `json:"result"`
		} `json:"data"`
	}
	err = json.Unmarshal(body, &said)
	switch {
	case err == nil && said.Error != "":
		return nil, errors.New(said.Error)
	case status < 200 || status > 299:
		return nil, fmt.Errorf("the answer has the status %d %s", status, http.StatusText(status))
	case err != nil || said.Status != "success":
		return nil, errors.New("the answer is not that of a Prometheus: is the URL right?")
	}
	switch said.Data.Type {
	case "vector":
		var samples []sample
		err = json.Unmarshal(said.Data.Result, &samples)
		return samples, err
	case "scalar":
		one := make([]sample, 1)
		err = json.Unmarshal(said.Data.Result, &one[0].Value)
		return one, err
	}
	return nil, fmt.Errorf("the query gives a %s: a vector or a scalar is needed, such as sum(rate(x[5m]))", said.Data.Type)
}

// addSamples names the samples of one query.
func (a answer) addSamples(samples []sample, name, label string) error {
	if label == "" {
		if name == "" {
			name = "value"
		}
		switch len(samples) {
		case 0:
			a[name] = none("not there: the query gave no sample")
		case 1:
			a[name] = samples[0].cell()
		default:
			return fmt.Errorf("the query gives %d samples for %s: make one of them with sum(…), or name them by a label with ?label=NAME%s",
				len(samples), name, labels(samples[0]))
		}
		return nil
	}
	if len(samples) > maxColumns {
		return fmt.Errorf("the query gives %d samples: %d are the most", len(samples), maxColumns)
	}
	for _, s := range samples {
		name, ok := s.Metric[label]
		if !ok {
			return fmt.Errorf("a sample has no label %s%s", label, labels(s))
		}
		if _, twice := a[name]; twice {
			return fmt.Errorf("two samples have %s=%q: aggregate with sum by (%s) (…)", label, name, label)
		}
		a[name] = s.cell()
	}
	return nil
}

// addMissing names what the rule wants and no sample has. Of nothing Prometheus has
// no sample rather than a 0: it is missing, whether or not there are others.
func (a answer) addMissing(names []string, label string) {
	there := slices.Sorted(maps.Keys(a))
	for _, name := range names {
		if _, ok := a[name]; !ok && len(there) > 0 {
			a[name] = none(fmt.Sprintf("not there: no sample has %s=%q%s", label, name, didYouMean(name, there)))
		}
	}
}

func (s sample) cell() cell {
	text, ok := s.Value[1].(string)
	if !ok {
		return none("not a sample")
	}
	return textCell(text)
}

func labels(s sample) string {
	var names []string
	for name := range s.Metric {
		if name != "__name__" {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	slices.Sort(names)
	return " (it has " + some(names, 8) + ")"
}
