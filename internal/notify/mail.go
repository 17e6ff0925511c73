package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/textproto"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
)

// mailRoute is what an smtp:// or smtps:// URL says:
//
//	smtp://[user:password@]host[:port]/?to=B,C[&from=A][&starttls=never|opportunistic|required]
//	      [&insecure=true][&password_file=F]
//
// smtps is implicit TLS (RFC 8314). The port is 465 for smtps, 587 with
// credentials, else 25. STARTTLS is opportunistic, and required where a
// password would cross a network.
type mailRoute struct {
	what     string // names the server in errors
	host     string
	port     int
	implicit bool // TLS from the first byte
	starttls gomail.TLSPolicy
	tls      *tls.Config
	user     string
	password string
	inClear  bool // the password may be sent without TLS
	from     *mail.Address
	to       []*mail.Address
}

// mailSender is the protocol of smtp:// and smtps://.
func mailSender(u *url.URL) (*Sender, error) {
	r, err := parseMail(u)
	if err != nil {
		return nil, fmt.Errorf("%s://%s: %w", u.Scheme, u.Host, err)
	}
	b := &mailbox{route: r}
	return &Sender{Send: b.send, Close: b.close, Digests: true}, nil
}

func parseMail(u *url.URL) (*mailRoute, error) {
	r := &mailRoute{host: u.Hostname(), implicit: u.Scheme == "smtps", user: u.User.Username()}
	if r.host == "" {
		return nil, errors.New("it names no host: smtp://host:port/?to=ADDRESS")
	}
	r.password, _ = u.User.Password()
	q, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, errors.New("its parameters are not percent-encoded as in a URL")
	}
	if err := only(q, "from", "to", "starttls", "insecure", "password_file"); err != nil {
		return nil, err
	}
	if q.Has("password_file") {
		if r.password, err = secret(q, "password"); err != nil {
			return nil, err
		}
	}
	if (r.user == "") != (r.password == "") {
		return nil, errors.New("a user needs a password (user:password@ or password_file=), and a password a user")
	}
	switch {
	case u.Port() != "":
		if r.port, err = strconv.Atoi(u.Port()); err != nil || r.port < 1 || r.port > 65535 {
			return nil, errors.New("its port is not one")
		}
	case r.implicit:
		r.port = 465
	case r.user != "":
		r.port = 587
	default:
		r.port = 25
	}
	r.what = "mail server " + net.JoinHostPort(r.host, strconv.Itoa(r.port))
	if err := r.security(q); err != nil {
		return nil, err
	}
	return r, r.addresses(q)
}

func (r *mailRoute) security(q url.Values) error {
	near := loopback(r.host)
	r.starttls = gomail.TLSOpportunistic
	if r.user != "" && !near {
		r.starttls = gomail.TLSMandatory
	}
	r.inClear = near
	switch how := q.Get("starttls"); {
	case how == "":
	case r.implicit:
		return errors.New("smtps is TLS from the beginning: leave starttls out, or write smtp://")
	case how == "never":
		r.starttls, r.inClear = gomail.NoTLS, true
	case how == "opportunistic":
		r.starttls = gomail.TLSOpportunistic
	case how == "required":
		r.starttls = gomail.TLSMandatory
	default:
		return fmt.Errorf("starttls=%s: it may be never, opportunistic or required", how)
	}
	r.tls = &tls.Config{ServerName: r.host, MinVersion: tls.VersionTLS12}
	if text := q.Get("insecure"); text != "" {
		insecure, err := strconv.ParseBool(text)
		if err != nil {
			return errors.New("insecure may be true or false")
		}
		r.tls.InsecureSkipVerify = insecure
	}
	// Opportunistic TLS guards against listeners only: who can change what is
	// sent can take STARTTLS out of it, so that a certificate proves nothing
	// there, and a self-signed one is better than clear text (RFC 7435).
	if r.starttls == gomail.TLSOpportunistic && !r.implicit && (r.user == "" || near) {
		r.tls.InsecureSkipVerify = true
	}
	return nil
}

func (r *mailRoute) addresses(q url.Values) error {
	for _, list := range q["to"] {
		all, err := mail.ParseAddressList(list)
		if err != nil {
			return fmt.Errorf("to=%s is not a list of addresses such as a@example.com,b@example.com", oneLine(list))
		}
		r.to = append(r.to, all...)
	}
	if len(r.to) == 0 {
		return errors.New("it names no recipient: add ?to=ADDRESS")
	}
	from := q.Get("from")
	if from == "" {
		host, err := os.Hostname()
		if err != nil || host == "" {
			host = "localhost"
		}
		from = "aweigh@" + host
	}
	var err error
	if r.from, err = mail.ParseAddress(from); err != nil {
		return fmt.Errorf("from=%s is not an address", oneLine(from))
	}
	return nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback() || strings.EqualFold(host, "localhost")
}

// write makes the mail: headers, text, HTML.
func (r *mailRoute) write(m *Message) ([]byte, error) {
	g := gomail.NewMsg()
	name := r.from.Name
	if name == "" {
		name = "aweigh"
	}
	// The subject must not change, so the sender's name says how it stands:
	// it is what a phone shows largest, and no part of the thread.
	if err := g.FromFormat(name+" ("+m.State+")", r.from.Address); err != nil {
		return nil, err
	}
	for _, to := range r.to {
		g.AddToMailAddress(to)
	}
	g.Subject(m.Subject)
	g.SetDateWithValue(m.Notifications[len(m.Notifications)-1].At)
	g.SetMessageIDWithValue(messageID(m.ID))
	if m.Root != "" && m.Root != m.ID {
		root := "<" + messageID(m.Root) + ">"
		g.SetGenHeader(gomail.HeaderInReplyTo, root)
		g.SetGenHeader(gomail.HeaderReferences, root)
	}
	// Nobody's out-of-office answers it (RFC 3834).
	g.SetGenHeader("Auto-Submitted", "auto-generated")
	g.SetGenHeader("X-Auto-Response-Suppress", "All")
	g.SetGenHeader(gomail.HeaderXMailer, "aweigh")
	if m.State == "critical" {
		g.SetImportance(gomail.ImportanceHigh)
	}
	g.SetBodyString(gomail.TypeTextPlain, m.Text)
	g.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	for _, p := range m.Pictures {
		if err := g.EmbedReader(p.ID+".png", bytes.NewReader(p.PNG), gomail.WithFileContentID(p.ID), gomail.WithFileContentType("image/png")); err != nil {
			return nil, err
		}
	}
	var b bytes.Buffer
	_, err := g.WriteTo(&b)
	return b.Bytes(), err
}

// messageID makes an id (RFC 5322, 3.6.4) that is the same on each try: then
// mail systems drop the second copy of what had to be sent twice.
func messageID(id string) string {
	id = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '-' || r == '_' {
			return r
		}
		return '_'
	}, id)
	return strings.Trim(id, ".") + "@aweigh.invalid" // RFC 2606: nobody's domain
}

// code is a server's answer to a command, 0 when it gave none.
func code(err error) int {
	var answer *textproto.Error
	if errors.As(err, &answer) {
		return answer.Code
	}
	return 0
}

// dial connects, greets, encrypts and authenticates.
func (r *mailRoute) dial(ctx context.Context) (*line, error) {
	l, stop := &line{}, func() bool { return true }
	options := []gomail.Option{
		gomail.WithPort(r.port), gomail.WithTimeout(dialTimeout), gomail.WithTLSConfig(r.tls), gomail.WithTLSPolicy(r.starttls),
		// The library does not close a connection on which it fails, and takes
		// one that it has not made itself for a clear one unless it asks.
		gomail.WithDialContextFunc(func(dialing context.Context, network, address string) (net.Conn, error) {
			var err error
			if r.implicit {
				l.conn, err = (&tls.Dialer{Config: r.tls}).DialContext(dialing, network, address)
			} else {
				l.conn, err = (&net.Dialer{}).DialContext(dialing, network, address)
			}
			if err == nil { // the greeting has no context of its own
				conn := l.conn
				stop = context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
			}
			return l.conn, err
		}),
	}
	if r.user != "" {
		how := []gomail.SMTPAuthType{gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthSCRAMSHA1, gomail.SMTPAuthPlain, gomail.SMTPAuthLogin, gomail.SMTPAuthCramMD5}
		if r.inClear {
			how[2], how[3] = gomail.SMTPAuthPlainNoEnc, gomail.SMTPAuthLoginNoEnc
		}
		options = append(options, gomail.WithUsername(r.user), gomail.WithPassword(r.password), gomail.WithOpportunisticSMTPAuth(how...))
	}
	if !r.international() {
		// A server that offers SMTPUTF8 may sit before one that does not, and
		// bounces what claims to need it.
		options = append(options, gomail.WithoutSMTPUTF8())
	}
	client, err := gomail.NewClient(r.host, options...)
	if err != nil {
		return nil, err
	}
	l.client, err = client.DialToSMTPClientWithContext(ctx)
	stop()
	if err != nil {
		if l.conn != nil {
			l.conn.Close()
		}
		return nil, err
	}
	return l, nil
}

func (r *mailRoute) international() bool {
	for _, a := range append([]*mail.Address{r.from}, r.to...) {
		if strings.IndexFunc(a.Address, func(c rune) bool { return c > 127 }) >= 0 {
			return true
		}
	}
	return false
}
