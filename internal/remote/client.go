// Package remote asks a watcher on another machine, by its API.
//
//	there, err := remote.Dial("https://aweigh.example.com", token)
//	now, err := there.Status(ctx)
//
// Its methods say the same as what reads a store here.
package remote

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// Client asks one watcher. Make it with Dial.
type Client struct {
	base  *url.URL
	token string
	http  *http.Client
}

// Dial is a client of the watcher at a URL, with a token, "" for none. Nothing
// is sent yet.
func Dial(server, token string) (*Client, error) {
	u, err := url.Parse(server)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return nil, errors.New("--server: write the URL of the watcher's page, such as https://aweigh.example.com or http://127.0.0.1:7423")
	case u.User != nil:
		return nil, errors.New("--server: no user and password in the URL: give a token by AWEIGH_TOKEN or --token-file")
	case strings.ContainsAny(token, " \r\n\t"):
		return nil, errors.New("the token has a blank or a line end in it: it is one word")
	}
	if u.Scheme == "http" && token != "" && !onThisMachine(u.Hostname()) {
		return nil, fmt.Errorf("--server %s: the token would go over the network for all to read: use https, or a tunnel to 127.0.0.1", u.Redacted())
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ResponseHeaderTimeout = 30 * time.Second
	// A redirect would take the token elsewhere.
	return &Client{base: u, token: token, http: &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}, nil
}

func onThisMachine(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// maxAnswer bounds a JSON answer, in bytes.
const maxAnswer = 64 << 20

// ask sends a request, and reads the answer into a value.
func (c *Client) ask(ctx context.Context, method, path string, query url.Values, body, into any) error {
	answer, err := c.send(ctx, method, path, query, body)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if err := json.NewDecoder(io.LimitReader(answer.Body, maxAnswer)).Decode(into); err != nil {
		return fmt.Errorf("%s: the answer is not Aweigh's: %w", c.base.Redacted(), err)
	}
	return nil
}

// send sends a request. What is no success is an error.
func (c *Client) send(ctx context.Context, method, path string, query url.Values, body any) (*http.Response, error) {
	u := c.base.JoinPath("/api/v1" + path)
	u.RawQuery = query.Encode()
	var content io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		content = bytes.NewReader(b)
	}
	r, err := http.NewRequestWithContext(ctx, method, u.String(), content)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/json")
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	answer, err := c.http.Do(r)
	if err != nil {
		var op *net.OpError
		if errors.As(err, &op) {
			return nil, fmt.Errorf("%s: %w: is `aweigh watch` running there?", c.base.Redacted(), op)
		}
		return nil, fmt.Errorf("%s: %w", c.base.Redacted(), err)
	}
	if answer.StatusCode == http.StatusOK {
		return answer, nil
	}
	defer answer.Body.Close()
	return nil, c.explain(answer)
}

// Refused is an answer that is no success.
type Refused struct {
	Code int // of HTTP
	text string
}

func (r *Refused) Error() string { return r.text }

// explain says what an answer means that is no success.
func (c *Client) explain(answer *http.Response) error {
	b, _ := io.ReadAll(io.LimitReader(answer.Body, 4096))
	var said struct {
		Error string `json:"error"`
	}
	json.Unmarshal(b, &said)
	text := said.Error
	switch {
	case answer.StatusCode == http.StatusUnauthorized && c.token != "":
		text = "the token is not known there"
	case text == "" && answer.StatusCode < 400:
		text = "it sends us elsewhere: is this the watcher's own URL?"
	case text == "":
		text = strings.TrimSpace(string(b))
	}
	return &Refused{answer.StatusCode, fmt.Sprintf("%s: %s (%s)", c.base.Redacted(), text, answer.Status)}
}
