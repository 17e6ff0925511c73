package probe

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aweigh/aweigh/internal/expect"
)

// Post sends body to an http or https URL and returns the status of the answer,
// whatever it is; certificates are verified, and neither a proxy nor a redirect
// is followed. ctx bounds it, DefaultTimeout when it has no deadline. An error
// names only the scheme and the host: the path of a webhook is its secret.
func Post(ctx context.Context, url, contentType string, body []byte, headers ...expect.Header) (status int, err error) {
	t, err := Parse(url, 0)
	if err != nil || t.Protocol != HTTP && t.Protocol != HTTPS || t.Host == "" {
		return 0, errors.New("the webhook's URL is not of the form https://HOST[:PORT]/PATH")
	}
	headers = append(expect.Headers{{Name: "Content-Type", Value: contentType}}, headers...)
	for _, h := range headers {
		if strings.ContainsAny(h.Name+h.Value, "\r\n\x00") {
			return 0, fmt.Errorf("the header %q holds a line end", oneLine(h.Name, 40))
		}
	}
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, DefaultTimeout)
		defer cancel()
	}
	status, err = post(ctx, request{method: "POST", target: t, headers: headers, body: body})
	if err != nil {
		return 0, fmt.Errorf("%s://%s: %w", t.Protocol, t.hostHeader(), err)
	}
	return status, nil
}

func post(ctx context.Context, q request) (int, error) {
	conn, done, err := connect(ctx, q.target, new(Result))
	if err != nil {
		return 0, inWords(err)
	}
	defer done()
	if q.target.Protocol == HTTPS {
		if conn, _, err = handshake(ctx, conn, q.target.Host, true); err != nil {
			return 0, inWords(err)
		}
	}
	sent := q.send(conn)
	// The status says all; what the body says does not matter.
	a, err := readHead(bufio.NewReader(conn))
	if err == nil {
		return a.code, nil
	}
	if sent != nil && !isTimeout(err) {
		err = sent
	}
	return 0, inWords(err)
}

func inWords(err error) error {
	_, reason := Classify(err)
	return errors.New(reason)
}
