package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nicholas-fedor/shoutrrr/pkg/format"
	"github.com/nicholas-fedor/shoutrrr/pkg/router"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/telegram"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/push/ntfy"
	"github.com/nicholas-fedor/shoutrrr/pkg/types"
	"github.com/nicholas-fedor/shoutrrr/pkg/util/jsonclient"

	"github.com/aweigh/aweigh"
)

// chatTimeout is how long we wait for a service: the library takes no context.
const chatTimeout = 30 * time.Second

// chat is a service that shoutrrr reaches: Slack, Discord, Telegram, Teams,
// ntfy, Gotify, Pushover, PagerDuty, Opsgenie and some 15 more, by URLs as in
// https://shoutrrr.nickfedor.com/.
type chat struct {
	url     *url.URL
	scheme  string // up to the first +
	service types.Service
	fields  []string      // what may be set for one message
	busy    chan struct{} // holds a token while the library is at work
	tell    func(ctx context.Context, text string, p *types.Params) error
}

// pagers keep incidents of their own, by a key of which a message has one: in a
// digest the others would never be opened there, or never end.
var pagers = []string{"pagerduty", "opsgenie"}

// longest is how many bytes of text a service takes; a longer one it refuses, and
// would refuse at each try.
var longest = map[string]int{"pushover": 1024, "wecom": 2048, "lark": 4096, "ntfy": 4096}

// fits cuts a text to so many bytes; 0 is no limit.
func fits(text string, most int) string {
	const more = "…"
	if most == 0 || len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most-len(more)], "") + more
}

func shoutrrrSender(u *url.URL) (*Sender, error) {
	scheme, _, _ := strings.Cut(u.Scheme, "+")
	c := &chat{url: u, scheme: scheme, busy: make(chan struct{}, 1)}
	if !slices.Contains((&router.ServiceRouter{}).ListServices(), scheme) {
		return nil, fmt.Errorf("%s: is no protocol that is known: %s, or one of shoutrrr's (%s)", scheme, ourSchemes(), shoutrrrSchemes())
	}
	if scheme != "matrix" { // which logs in when it is made, and must not before it is needed
		if err := c.locate(); err != nil {
			return nil, fmt.Errorf("%s: shoutrrr does not take this URL%s: see https://shoutrrr.nickfedor.com/ for its form", scheme, c.hint(err))
		}
	}
	return &Sender{Send: c.send, Digests: !slices.Contains(pagers, scheme)}, nil
}

func ourSchemes() string {
	var all []string
	for s := range protocols {
		all = append(all, s)
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

func shoutrrrSchemes() string {
	all := (&router.ServiceRouter{}).ListServices()
	slices.Sort(all)
	return strings.Join(all, ", ")
}

func (c *chat) locate() error {
	service, err := (&router.ServiceRouter{}).Locate(c.url.String())
	if err != nil {
		return err
	}
	c.service = service
	c.tell = func(_ context.Context, text string, p *types.Params) error { return service.Send(text, p) }
	switch n := service.(type) {
	case *ntfy.Service:
		// It adds its headers to those of the message before: the title of the
		// first would stay for ever. A new client has none.
		client := newHTTP()
		client.Transport.(*http.Transport).TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: n.Config.DisableTLSVerification}
		c.tell = func(_ context.Context, text string, p *types.Params) error {
			n.SetHTTPClient(client)
			return n.Send(text, p)
		}
	case *telegram.Service:
		c.tell = (&bot{config: *n.Config, client: newHTTP()}).say
	}
	if config, ok := configOf(service); ok {
		c.fields = format.GetConfigQueryResolver(config).QueryFields()
	}
	return nil
}

// configOf guards against services without one, at which the library panics.
func configOf(s types.Service) (config types.ServiceConfig, ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	config = format.GetServiceConfig(s)
	return config, config != nil
}

// send hands m over. A call that does not come back in time is left to itself,
// but never two of them.
func (c *chat) send(ctx context.Context, m *Message) error {
	ctx, cancel := context.WithTimeout(ctx, chatTimeout)
	defer cancel()
	select {
	case c.busy <- struct{}{}:
	case <-ctx.Done():
		return temporary("%s: the call before has not come back yet", c.scheme)
	}
	done := make(chan error, 1)
	go func() {
		defer func() { <-c.busy }()
		defer func() {
			// Zulip's panics where there is no answer, and would end the watcher, at
			// each try anew.
			if r := recover(); r != nil {
				done <- fmt.Errorf("it panics: %v", r)
			}
		}()
		if c.service == nil {
			if err := c.locate(); err != nil {
				done <- err
				return
			}
		}
		done <- c.tell(ctx, fits(m.Short, longest[c.scheme]), c.params(m))
	}()
	select {
	case err := <-done:
		return c.explain(err)
	case <-ctx.Done():
		return temporary("%s: no answer in time", c.scheme)
	}
}

// params are what this service can be told besides the text.
func (c *chat) params(m *Message) *types.Params {
	p := types.Params{}
	set := func(key, value string) {
		if slices.Contains(c.fields, key) && !c.url.Query().Has(key) {
			p[key] = value
		}
	}
	set("title", first(calm.Replace(strings.ToUpper(m.State[:1])+m.State[1:]+": "+chatPlace(m)), 100))
	n := m.Notifications[len(m.Notifications)-1]
	switch c.scheme {
	case "pagerduty": // so that an incident is one there too, and ends there too
		set("dedup_key", n.Thread())
		set("source", oneLine(n.Host))
		if n.Severity() == aweigh.Critical || n.Severity() == aweigh.Warning {
			set("severity", string(n.Severity()))
		} else {
			set("severity", "info")
		}
		if m.State == "resolved" {
			set("action", "resolve")
		}
	case "opsgenie":
		set("alias", n.Thread())
	}
	return &p
}

func chatPlace(m *Message) string {
	if len(m.Notifications) > 1 && m.Root == "" {
		return fmt.Sprintf("%d notifications", len(m.Notifications))
	}
	return where(m.Notifications[0])
}

// status finds an HTTP status in the library's words, which have no other form.
// ntfy's is the beginning of its own code: (40301).
var status = regexp.MustCompile(`(?i)(?:http|status(?: code)?)[ :"']*([1-5][0-9][0-9])\b|: ([1-5][0-9][0-9]) [A-Z]|\(([45][0-9][0-9])(?:[0-9][0-9])?\)`)

// explain puts the library's error into words of our own: its quote the URL,
// with the token in it.
func (c *chat) explain(err error) error {
	var known *Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	if code := statusOf(err); code != 0 {
		if e := judge(c.scheme, code); e != nil {
			return addHint(e, c.hint(err))
		}
	}
	var network net.Error
	if errors.As(err, &network) {
		var op *net.OpError
		var dns *net.DNSError
		switch {
		case network.Timeout():
			return temporary("%s: no answer in time", c.scheme)
		case errors.As(err, &dns):
			return temporary("%s: its host name is not found", c.scheme)
		case errors.As(err, &op):
			return temporary("%s: %s", c.scheme, op.Err)
		}
	}
	return temporary("%s did not take it%s", c.scheme, c.hint(err))
}

func statusOf(err error) int {
	var j jsonclient.Error
	if errors.As(err, &j) {
		return j.StatusCode
	}
	if found := status.FindStringSubmatch(err.Error()); found != nil {
		code, _ := strconv.Atoi(found[1] + found[2] + found[3])
		return code
	}
	return 0
}

func addHint(err error, hint string) error {
	var e *Error
	errors.As(err, &e)
	return &Error{Why: e.Why + hint, Permanent: e.Permanent}
}

// hint is the service's own word ("channel_not_found"), if nothing of the URL
// is in it: ": channel_not_found", else "".
func (c *chat) hint(err error) string {
	text := err.Error()
	if at := strings.LastIndex(text, ": "); at >= 0 {
		text = text[at+2:]
	}
	text = first(oneLine(text), 200)
	lower := strings.ToLower(text)
	for _, form := range []string{c.url.String(), c.url.Opaque, c.url.Path, c.url.RawQuery, c.url.Host, c.url.User.String()} {
		plain, err := url.QueryUnescape(form)
		if err != nil {
			plain = form
		}
		for _, whole := range []string{form, plain} {
			for _, piece := range strings.FieldsFunc(strings.ToLower(whole), func(r rune) bool { return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r > 127) }) {
				if piece != c.scheme && len(piece) > 2 && strings.Contains(lower, piece) {
					return ""
				}
			}
		}
	}
	if text == "" {
		return ""
	}
	return ": " + text
}
