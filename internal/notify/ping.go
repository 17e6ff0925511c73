package notify

import (
	"context"
	"net/http"
	"net/url"
	"strings"
)

// Pulse is what a ping says of the one who sends it.
type Pulse string

const (
	Alive    Pulse = ""      // all is well
	Failing  Pulse = "fail"  // alive, and something is wrong
	Starting Pulse = "start" // alive, and at the beginning
)

// Ping tells a dead-man's-switch that we live, so that our own silence is
// noticed. It speaks the protocol of healthchecks.io: the URL itself, URL/fail
// or URL/start; a GET, or a POST when there is a note to keep with it.
func Ping(ctx context.Context, target string, pulse Pulse, note string) error {
	u, err := url.Parse(target)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return permanent("the dead-man's-switch's url is not one: https://hc-ping.com/YOUR-UUID")
	}
	if pulse != Alive {
		u = u.JoinPath(string(pulse))
	}
	method := http.MethodGet
	if note != "" {
		method = http.MethodPost
	}
	what := "dead-man's-switch at " + u.Host // the path is its secret
	ctx, cancel := context.WithTimeout(ctx, httpTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, u.String(), strings.NewReader(note))
	if err != nil {
		return permanent("%s: this is not a URL that can be called", what)
	}
	req.Header.Set("User-Agent", "aweigh")
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return temporary("%s: %s", what, reason(err))
	}
	answer.Body.Close()
	return judge(what, answer.StatusCode)
}
