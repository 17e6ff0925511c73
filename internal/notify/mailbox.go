package notify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"sync"
	"time"

	"github.com/wneessen/go-mail/smtp"
)

const (
	dialTimeout = 15 * time.Second
	// mailIdle is how long a connection waits for the next message. A burst
	// then pays for one greeting, and a server is not bothered all day.
	mailIdle = 30 * time.Second
	// quitTimeout is for saying goodbye, which nobody has to hear.
	quitTimeout = time.Second
)

// line is an open connection that has been greeted and authenticated.
type line struct {
	conn   net.Conn
	client *smtp.Client
}

// mailbox sends mails over one connection, which it keeps for a while.
type mailbox struct {
	route *mailRoute

	mu   sync.Mutex // against the timer that hangs up
	line *line
	idle *time.Timer
	// took remembers who has got a message that others are still to get.
	took map[string]map[string]bool
}

func (b *mailbox) send(ctx context.Context, m *Message) error {
	text, err := b.route.write(m)
	if err != nil {
		return permanent("%s: %s", b.route.what, err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.idle != nil {
		b.idle.Stop()
	}
	kept := b.line != nil
	err = b.try(ctx, m.ID, text)
	var gone *stale
	if kept && errors.As(err, &gone) {
		err = b.try(ctx, m.ID, text)
	}
	if err != nil {
		var known *Error
		if !errors.As(err, &known) {
			known = &Error{Why: fmt.Sprintf("%s: %s", b.route.what, reason(err))}
		}
		// AUTH PLAIN has user and password as one text (RFC 4616).
		known.Why = redact(oneLine(known.Why), "\x00"+b.route.user+"\x00"+b.route.password, b.route.password)
		err = known
	}
	if b.line != nil {
		b.idle = time.AfterFunc(mailIdle, b.close)
	}
	return err
}

// stale says that a connection turned out to be closed before anything was said
// on it: if it was a kept one, another may be tried at once, and nothing can
// arrive twice.
type stale struct{ error }

func (s *stale) Unwrap() error { return s.error }

// try sends one mail. After any error but a recipient's the connection's state
// is unknown, and it is given up.
func (b *mailbox) try(ctx context.Context, id string, text []byte) (err error) {
	if b.line == nil {
		if b.line, err = b.route.dial(ctx); err != nil {
			return err
		}
	}
	l := b.line
	defer func() {
		var known *Error
		if err != nil && !(errors.As(err, &known) && known.Partly) {
			b.hangUp()
		}
	}()
	if end, ok := ctx.Deadline(); ok {
		l.conn.SetDeadline(end)
	}
	stop := context.AfterFunc(ctx, func() { l.conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	what := b.route.what
	if err := l.client.Mail("<" + b.route.from.Address + ">"); err != nil {
		if c := code(err); c == 0 || c == 421 {
			return &stale{err}
		}
		return answered(err, "%s does not take mail from %s", what, b.route.from.Address)
	}
	taken, never, later := b.recipients(l, id)
	if len(taken) == 0 {
		switch {
		case later != nil && len(b.took[id]) > 0:
			return some(later)
		case later != nil:
			return later
		case len(b.took[id]) > 0:
			return b.partly(id, never)
		}
		return never
	}
	w, err := l.client.Data()
	if err != nil {
		return answered(err, "%s does not take the message", what)
	}
	if _, err := w.Write(text); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return answered(err, "%s does not take the message", what)
	}
	switch {
	case later != nil:
		b.remember(id, taken)
		return some(later)
	case never != nil:
		return b.partly(id, never)
	}
	delete(b.took, id)
	return nil
}

// recipients names them to the server. One bad address among several must not
// keep a message from the others: never is the first that is refused for good,
// later the first that is refused for now.
func (b *mailbox) recipients(l *line, id string) (taken []string, never, later error) {
	for _, to := range b.route.to {
		if b.took[id][to.Address] {
			continue
		}
		err := l.client.Rcpt("<" + to.Address + ">")
		if err == nil {
			taken = append(taken, to.Address)
			continue
		}
		err = answered(err, "%s does not take mail for %s", b.route.what, to.Address)
		var known *Error
		switch {
		case !errors.As(err, &known): // no answer at all
			return nil, nil, err
		case known.Permanent && never == nil:
			never = err
		case !known.Permanent && later == nil:
			later = err
		}
	}
	return taken, never, later
}

// answered turns the server's refusal into an Error: 5xx is for good (RFC 5321,
// 4.2.1). What is no answer stays as it is.
func answered(err error, format string, args ...any) error {
	c := code(err)
	if c == 0 {
		return err
	}
	var answer *textproto.Error
	errors.As(err, &answer)
	return &Error{Why: fmt.Sprintf("%s: %d %s", fmt.Sprintf(format, args...), c, answer.Msg), Permanent: c >= 500}
}

// some says of a refusal for now that it is about some of the recipients only.
func some(later error) error {
	var known *Error
	errors.As(later, &known)
	return &Error{Why: known.Why, Some: true}
}

// partly says of a refusal for good that the other recipients have got the message.
func (b *mailbox) partly(id string, never error) error {
	delete(b.took, id)
	var known *Error
	errors.As(never, &known)
	return &Error{Why: known.Why + "; the other recipients have got it", Partly: true}
}

func (b *mailbox) remember(id string, taken []string) {
	if b.took == nil || len(b.took) > 1000 { // those that became dead letters are not taken out
		b.took = map[string]map[string]bool{}
	}
	if b.took[id] == nil {
		b.took[id] = map[string]bool{}
	}
	for _, to := range taken {
		b.took[id][to] = true
	}
}

// close says goodbye to the server, if there is one.
func (b *mailbox) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.idle != nil {
		b.idle.Stop()
	}
	if b.line != nil {
		b.line.conn.SetDeadline(time.Now().Add(quitTimeout))
		io.WriteString(b.line.conn, "QUIT\r\n")
		b.hangUp()
	}
}

func (b *mailbox) hangUp() {
	b.line.conn.Close()
	b.line = nil
}
