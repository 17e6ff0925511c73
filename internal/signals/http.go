package signals

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
)

const maxBody = 1 << 20 // bytes of an answer, decompressed

// client asks servers that speak HTTP, with the headers of the signal. It
// keeps no connection, for the next query is a minute away.
type client struct {
	http    http.Client
	headers map[string]string
}

func newClient(headers map[string]string) *client {
	return &client{
		http: http.Client{
			Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true},
			CheckRedirect: stayWithHost,
		},
		headers: headers,
	}
}

// stayWithHost follows no redirect to another host: the headers and the
// password are for this one, and so is the trust in the number.
func stayWithHost(next *http.Request, before []*http.Request) error {
	first := before[0].URL
	upgrade := first.Scheme == "http" && next.URL.Scheme == "https" && next.URL.Hostname() == first.Hostname()
	if !upgrade && (next.URL.Host != first.Host || next.URL.Scheme != first.Scheme) {
		return fmt.Errorf("it redirects to another host (%s://%s), which is not followed", next.URL.Scheme, next.URL.Host)
	}
	if len(before) > 5 {
		return errors.New("it redirects more than 5 times")
	}
	return nil
}

// do sends a request and returns the status with a body of at most 1 MiB.
func (c *client) do(ctx context.Context, method string, to *url.URL, body string) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, to.String(), strings.NewReader(body))
	if err != nil {
		return 0, nil, errors.New("the URL cannot be asked")
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "aweigh")
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, value := range c.headers {
		if strings.EqualFold(name, "Host") {
			req.Host = value
		}
		req.Header.Set(name, value)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return 0, nil, noURL(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err != nil {
		return 0, nil, noURL(err)
	}
	if len(b) > maxBody {
		return 0, nil, errors.New("the answer has more than 1 MiB")
	}
	return resp.StatusCode, bytes.TrimSpace(b), nil
}

// noURL leaves out the URL that net/http repeats, which may have a key in it.
func noURL(err error) error {
	var at *url.Error
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}

// place names a server for a person, without user and query.
func place(u *url.URL) string {
	host := u.Host
	if h, port, err := net.SplitHostPort(host); err == nil && (u.Scheme == "http" && port == "80" || u.Scheme == "https" && port == "443") {
		host = h
	}
	return u.Scheme + "://" + host + u.EscapedPath()
}

// checkHeaders refuses what net/http would refuse at each query.
func checkHeaders(headers map[string]string) error {
	for name, value := range headers {
		if !isToken(name) {
			return fmt.Errorf("%q is no name of a header", name)
		}
		if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
			return fmt.Errorf("the header %s has a line break or another control character: is there one at the end of its file?", name)
		}
	}
	return nil
}

func isToken(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
	})
}
