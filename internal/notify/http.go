package notify

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

// httpTimeout is how long a server may take to answer.
const httpTimeout = 30 * time.Second

// newHTTP makes a client that keeps its connection for the next message. It
// follows no redirect: Go would turn the POST into a GET, and the message
// would be lost with a 200.
func newHTTP() *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = 1
	return &http.Client{
		Transport:     t,
		Timeout:       httpTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// post sends body to u. what names the other side in errors; the URL's path
// and query do not appear there, for many services keep their secrets in them.
func post(ctx context.Context, c *http.Client, what string, u *url.URL, header http.Header, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return permanent("%s: this is not a URL that can be called", what)
	}
	for key, values := range header {
		req.Header[key] = values
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "aweigh")
	answer, err := c.Do(req)
	if err != nil {
		return temporary("%s: %s", what, reason(err))
	}
	defer answer.Body.Close()
	io.Copy(io.Discard, io.LimitReader(answer.Body, 64<<10)) // or the connection could not be used again
	return judge(what, answer.StatusCode)
}

// judge says what an HTTP status means for a message.
func judge(what string, status int) error {
	text := http.StatusText(status)
	switch {
	case status >= 200 && status < 300:
		return nil
	case status >= 300 && status < 400:
		return permanent("%s answered %d %s: put the URL that it redirects to into the route", what, status, text)
	case status == http.StatusRequestTimeout, status == http.StatusTooManyRequests, status >= 500:
		return temporary("%s answered %d %s", what, status, text)
	default:
		return permanent("%s answered %d %s", what, status, text)
	}
}

// reason says why nobody answered, without the URL that net/http's own words
// begin with.
func reason(err error) string {
	var u *url.Error
	if errors.As(err, &u) {
		if u.Timeout() {
			return "no answer in time"
		}
		err = u.Err
	}
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Error()
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return "the connection was closed before the answer"
	}
	return err.Error()
}
