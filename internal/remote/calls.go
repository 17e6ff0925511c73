package remote

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/api"
	"github.com/aweigh/aweigh/internal/cli"
	"github.com/aweigh/aweigh/internal/status"
	"github.com/aweigh/aweigh/internal/store"
)

// Status is what stands there now.
func (c *Client) Status(ctx context.Context) (r status.Report, err error) {
	return r, c.ask(ctx, "GET", "/status", nil, nil, &r)
}

// pageSize is how many are asked for at once, most how many in all, as a store
// gives where nobody says otherwise.
const (
	pageSize = 500
	most     = 1000
)

// Starts are the chosen starts, newest first.
func (c *Client) Starts(ctx context.Context, q store.StartQuery) ([]aweigh.Start, error) {
	query := queryOf(map[string]string{"service": q.Service, "project": q.Project, "since": momentOf(q.Since), "failed": flagOf(q.Failed)})
	all := []aweigh.Start{}
	for len(all) < most {
		var page api.Starts
		if err := c.ask(ctx, "GET", "/starts", query, nil, &page); err != nil {
			return nil, err
		}
		if all = append(all, page.Starts...); page.Next == "" {
			break
		}
		query.Set("before", page.Next)
	}
	return all[:min(len(all), most)], nil
}

// Start is all that is known of a start, by the beginning of its id, or of a
// service's newest.
func (c *Client) Start(ctx context.Context, startOrService string) (t cli.Told, err error) {
	return t, c.ask(ctx, "GET", "/starts/"+url.PathEscape(startOrService), nil, nil, &t)
}

// Output is what a start printed: all of it, or what came in a phase; with
// follow as it comes. Close it.
func (c *Client) Output(ctx context.Context, startOrService, phase string, follow bool) (io.ReadCloser, error) {
	answer, err := c.send(ctx, "GET", "/starts/"+url.PathEscape(startOrService)+"/output", queryOf(map[string]string{"phase": phase, "follow": flagOf(follow)}), nil)
	if err != nil {
		return nil, err
	}
	return answer.Body, nil
}

// Incidents are the chosen incidents, newest first.
func (c *Client) Incidents(ctx context.Context, q store.IncidentQuery) ([]aweigh.Incident, error) {
	query := queryOf(map[string]string{"service": q.Service, "since": momentOf(q.Since), "open": flagOf(q.Open)})
	all := []aweigh.Incident{}
	for len(all) < most {
		var page api.Incidents
		if err := c.ask(ctx, "GET", "/incidents", query, nil, &page); err != nil {
			return nil, err
		}
		if all = append(all, page.Incidents...); page.Next == "" {
			break
		}
		query.Set("before", page.Next)
	}
	return all[:min(len(all), most)], nil
}

// Incident is the incident whose id begins so.
func (c *Client) Incident(ctx context.Context, prefix string) (n aweigh.Incident, err error) {
	return n, c.ask(ctx, "GET", "/incidents/"+url.PathEscape(prefix), nil, nil, &n)
}

// Acknowledge, Resolve and Comment say something about an incident.
func (c *Client) Acknowledge(ctx context.Context, id string, w status.Word) (aweigh.Incident, error) {
	return c.say(ctx, "acknowledge", id, w)
}

func (c *Client) Resolve(ctx context.Context, id string, w status.Word) (aweigh.Incident, error) {
	return c.say(ctx, "resolve", id, w)
}

func (c *Client) Comment(ctx context.Context, id string, w status.Word) (aweigh.Incident, error) {
	return c.say(ctx, "comment", id, w)
}

func (c *Client) say(ctx context.Context, verb, id string, w status.Word) (n aweigh.Incident, err error) {
	return n, c.ask(ctx, http.MethodPost, "/incidents/"+url.PathEscape(id)+"/"+verb, nil, api.Word{Text: w.Text, By: w.By}, &n)
}

// Windows are the maintenance windows there.
func (c *Client) Windows(ctx context.Context) ([]aweigh.Maintenance, error) {
	var w api.Windows
	err := c.ask(ctx, http.MethodGet, "/maintenance", nil, nil, &w)
	return w.Windows, err
}

// BeginMaintenance begins one for the services whose name matches, "" for all.
func (c *Client) BeginMaintenance(ctx context.Context, services string, length time.Duration, w status.Word) (window aweigh.Maintenance, err error) {
	return window, c.ask(ctx, http.MethodPost, "/maintenance", nil, api.Begin{Services: services, For: length.String(), Note: w.Text, By: w.By}, &window)
}

// EndMaintenance ends one early. The beginning of its id is enough.
func (c *Client) EndMaintenance(ctx context.Context, id string) (window aweigh.Maintenance, err error) {
	return window, c.ask(ctx, http.MethodDelete, "/maintenance/"+url.PathEscape(id), nil, nil, &window)
}

// queryOf leaves out what is empty.
func queryOf(values map[string]string) url.Values {
	q := url.Values{"limit": {strconv.Itoa(pageSize)}}
	for name, value := range values {
		if value != "" {
			q.Set(name, value)
		}
	}
	return q
}

func momentOf(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func flagOf(on bool) string {
	if on {
		return "true"
	}
	return ""
}
