package notify

import (
	"context"
	"fmt"
	"net/url"
	"path"
	"strings"
)

// Sender hands messages to the other side of one route. Its methods are for
// one goroutine at a time.
type Sender struct {
	// Send returns nil when the other side has taken the message, else an
	// *Error, whose text shows no secret.
	Send func(ctx context.Context, m *Message) error
	// Close ends what is kept open between two messages.
	Close func()
	// Digests says that people read what arrives, so that a pile of
	// notifications should be one message. Programs get them one by one.
	Digests bool
}

// protocol makes the Sender of a URL. It does not talk to anybody yet.
type protocol func(u *url.URL) (*Sender, error)

// protocols are those of our own, by the URL's scheme. All else is shoutrrr's.
var protocols = map[string]protocol{
	"smtp":               mailSender,
	"smtps":              mailSender,
	"webhook+http":       webhookSender,
	"webhook+https":      webhookSender,
	"alertmanager+http":  alertmanagerSender,
	"alertmanager+https": alertmanagerSender,
	"command":            commandSender,
}

// Parse makes the Sender of a route and says what is wrong with the route, in
// words that show no secret. It reads secret files, and talks to nobody.
func Parse(r Route) (*Sender, error) {
	if err := r.check(); err != nil {
		return nil, fmt.Errorf("route %q: %w", r.Name, err)
	}
	u, err := url.Parse(strings.TrimSpace(r.URL))
	if err != nil || u.Scheme == "" {
		// The parser's own words quote the URL, and with it the password.
		return nil, fmt.Errorf("route %q: its url is not one (smtp://host:port/?to=…, webhook+https://…, alertmanager+https://…, command:/path or one of shoutrrr's): in a user or password write @ as %%40, / as %%2F, : as %%3A", r.Name)
	}
	make, ours := protocols[u.Scheme]
	if !ours {
		make = shoutrrrSender
	}
	s, err := make(u)
	if err != nil {
		return nil, fmt.Errorf("route %q: %w", r.Name, err)
	}
	if s.Close == nil {
		s.Close = func() {}
	}
	return s, nil
}

// check finds mistakes in what the route wants to hear.
func (r Route) check() error {
	for _, pattern := range append(append([]string{}, r.Services...), r.Kinds...) {
		if _, err := path.Match(pattern, ""); err != nil {
			return fmt.Errorf("%q is not a pattern: * and ? and [a-z] are understood", pattern)
		}
	}
	if r.Quiet != nil {
		if _, err := r.Quiet.compile(); err != nil {
			return err
		}
	}
	return nil
}

// Error is why a message was not taken. It shows no secret of the route.
type Error struct {
	Why string
	// Permanent says that the other side will never take it as it is.
	Permanent bool
	// Partly says that some of the recipients have taken it, and that the
	// others never will: sending it again would only repeat it.
	Partly bool
	// Some says that some of the recipients have taken it, and that the others may
	// at another try, which does not repeat it to those.
	Some bool
}

func (e *Error) Error() string { return e.Why }

func temporary(format string, args ...any) error { return &Error{Why: fmt.Sprintf(format, args...)} }

func permanent(format string, args ...any) error {
	return &Error{Why: fmt.Sprintf(format, args...), Permanent: true}
}
