package probe

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aweigh/aweigh/internal/expect"
)

// probeHTTP asks once over HTTP/1.1 on a new connection. It uses no proxy, since
// it asks this one instance, and follows no redirect, since another address that
// serves says nothing of this one.
func probeHTTP(ctx context.Context, t Target, want *expect.Expr) Result {
	var r Result
	began := time.Now()
	conn, done, err := connect(ctx, t, &r)
	if err != nil {
		return failed(r, err, noConnection(began))
	}
	defer done()
	if t.Host == "" {
		t.Host = r.RemoteAddr.Addr().String()
	}
	asked := false
	if t.Protocol == HTTPS {
		// Not verified, as the kubelet does not verify either: the certificate is
		// made out to the public name while we ask by an inner address, and
		// whether the service is the right one is not the question.
		conn, asked, err = handshake(ctx, conn, t.Host, false)
		if err != nil {
			return tlsFailed(r, err, asked, began)
		}
	}
	sent := request{method: "GET", target: t}.send(conn)
	a, err := readAnswer(bufio.NewReader(conn))
	if a.code != 0 {
		r.Status = strconv.Itoa(a.code)
	}
	if err != nil {
		// A server may refuse before it has read all: its answer counts first.
		if a.code == 0 && sent != nil && !isTimeout(err) {
			err = sent
		}
		if isAlert(err) || asked && a.code == 0 && !isTimeout(err) {
			return tlsFailed(r, err, asked, began)
		}
		return a.incomplete(r, err, began)
	}
	if want != nil {
		r.Reason = a.name()
		return judged(r, want, expect.Answer{Status: expect.Code(a.code), Headers: a.headers,
			Latency: time.Since(began), Body: a.body, BodyCut: a.cut})
	}
	return a.judge(r, t)
}

// incomplete says how far the answer had come when err ended it.
func (a *answer) incomplete(r Result, err error, began time.Time) Result {
	var other *notHTTP
	switch {
	case errors.As(err, &other):
		r.Kind, r.Reason = KindProtocol, other.what
		if strings.Contains(r.Reason, "https://") {
			r.Kind = KindTLS
		}
		return r
	case errors.Is(err, errHeadTooBig):
		r.Kind, r.Reason = KindProtocol, err.Error()
		return r
	}
	took := about(time.Since(began))
	kind, reason := Classify(err)
	r.Kind = kind
	late := kind == KindTimeout
	switch came := byteCount(len(a.body)); {
	case a.hasHead && late:
		r.Reason = fmt.Sprintf("answered %d but the body was not complete after %s (%s came)", a.code, took, came)
	case a.hasHead:
		r.Reason = fmt.Sprintf("answered %d but the body was not complete (%s came): %s", a.code, came, reason)
	case a.code != 0 && late:
		r.Reason = fmt.Sprintf("answered %d but the header was not complete after %s", a.code, took)
	case a.code != 0:
		r.Reason = fmt.Sprintf("answered %d but the header was not complete: %s", a.code, reason)
	case late:
		r.Reason = "connected, but no answer after " + took
	case kind == KindClosed || kind == KindReset:
		r.Reason = reason + " without an answer"
	default:
		r.Reason = reason
	}
	return r
}

// judge is the verdict when the user has no expectation of their own.
func (a *answer) judge(r Result, t Target) Result {
	r.Kind, r.Reason = KindStatus, a.name()
	says := ""
	if !a.cut {
		says = saysUnhealthy(a.body)
	}
	switch {
	case a.code >= 200 && a.code < 300 && says == "":
		r.OK, r.Kind = true, KindOK
	case a.code >= 200 && a.code < 300:
		r.Kind, r.Reason = KindBody, a.name()+", but "+says
	case a.code >= 300 && a.code < 400 && a.code != 304:
		r.Reason += a.redirect(t)
	case a.code == 400 && t.Protocol == HTTP && a.wantsTLS():
		r.Kind, r.Reason = KindTLS, "the server speaks TLS: use https://"
	case says != "":
		r.Reason += ": " + says
	case a.code == 404:
		path, _, _ := strings.Cut(t.Path, "?")
		r.Reason += ": there is no " + oneLine(path, maxQuote)
	case a.code == 401 && t.user == nil:
		r.Reason += ": it wants credentials: give them as http://user:password@…, or --expect 'status == 401'"
	default:
		r.Reason += a.firstWords()
	}
	return r
}

// name is "503 Service Unavailable".
func (a *answer) name() string {
	return strings.TrimSpace(strconv.Itoa(a.code) + " " + a.phrase)
}

func (a *answer) redirect(t Target) string {
	where, ok := a.headers.Get("Location")
	if !ok {
		return ", a redirect to nowhere"
	}
	where = oneLine(maskLink(maskQuery(where)), maxQuote)
	hint := fmt.Sprintf("probe that address, or --expect 'status == %d'", a.code)
	if t.Protocol == HTTP && strings.HasPrefix(where, "https://") {
		hint = "use https://, or " + hint
	}
	return ": redirects to " + where + ", which a probe does not follow: " + hint
}

// wantsTLS knows the words of Go, nginx and Apache for a request in plain text
// on a port that speaks TLS.
func (a *answer) wantsTLS() bool {
	body := bytes.ToLower(a.body[:min(len(a.body), 1024)])
	for _, words := range [...]string{"http request to an https server",
		"plain http request was sent to https port", "speaking plain http to an ssl-enabled server"} {
		if bytes.Contains(body, []byte(words)) {
			return true
		}
	}
	return false
}

// firstWords quotes the first line of a body that is plain words.
func (a *answer) firstWords() string {
	text := bytes.TrimSpace(a.body[:min(len(a.body), 4<<10)])
	line, _, _ := bytes.Cut(text, []byte("\n"))
	if len(line) == 0 || line[0] == '<' || line[0] == '{' && len(line) == 1 || !utf8.Valid(line) {
		return ""
	}
	return fmt.Sprintf(": %q", oneLine(string(line), maxQuote))
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}

func byteCount(n int) string {
	if n == 1 {
		return "1 byte"
	}
	return strconv.Itoa(n) + " bytes"
}
