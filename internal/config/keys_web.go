package config

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/aweigh/aweigh/internal/access"
)

// Web is what may be said of the pages and the API.
type Web struct {
	// Token lets a program or a person act, ViewToken view, StatusToken see the
	// status page and the badges.
	Token, ViewToken, StatusToken Secret
	Users                         []access.User
	// StatusPage is "private" or "public".
	StatusPage string
	// TLSCert and TLSKey are files in PEM; "" for no TLS.
	TLSCert, TLSKey string
	// Proxies are the addresses whose X-Forwarded headers count.
	Proxies []netip.Prefix
	// Hosts are names by which browsers may call a server on loopback.
	Hosts []string
	// files are what credentials were read from, by their keys.
	files map[string]string
}

func defaultWeb() Web { return Web{StatusPage: "private"} }

func webFields() []field[Web] {
	type w = Web
	return []field[w]{
		{Key{Name: "token", Kind: Text, Secret: true, Example: "${AWEIGH_WEB_TOKEN}", Doc: "Who shows it may see everything, and act: acknowledge, comment, resolve, begin maintenance. At least 16 characters."},
			secret(func(c *w) *Secret { return &c.Token }, checkToken)},
		{Key{Name: "view_token", Kind: Text, Secret: true, Example: "${AWEIGH_VIEW_TOKEN}", Doc: "Who shows it may see everything."},
			secret(func(c *w) *Secret { return &c.ViewToken }, checkToken)},
		{Key{Name: "status_token", Kind: Text, Secret: true, Example: "${AWEIGH_STATUS_TOKEN}", Doc: "Who shows it (`/status?token=…`) may see the status page and the badges."},
			secret(func(c *w) *Secret { return &c.StatusToken }, checkToken)},
		{Key{Name: "users", Kind: Text, Secret: true, Many: true, Example: "ann:act:HASH", Doc: "Persons with a password, each a line as `aweigh user NAME` prints it. Best in `users_file`: a `$` in aweigh.yaml must be written `$$`."},
			setUsers},
		{Key{Name: "status_page", Kind: Choice, Words: []string{"private", "public"}, Default: "private", Doc: "Whether the status page and the badges are for everybody, without a credential."},
			checked(func(c *w) *string { return &c.StatusPage }, oneOf("private", "public"))},
		{Key{Name: "tls_cert", Kind: Text, Example: "/etc/aweigh/cert.pem", Doc: "File of the certificate and those between, in PEM. With `tls_key`, HTTPS is served; a changed file is taken up by itself."},
			text(func(c *w) *string { return &c.TLSCert })},
		{Key{Name: "tls_key", Kind: Text, Example: "/etc/aweigh/key.pem", Doc: "File of the certificate's key, in PEM."},
			text(func(c *w) *string { return &c.TLSKey })},
		{Key{Name: "proxies", Kind: Text, Many: true, Example: "127.0.0.1", Doc: "Addresses or networks of proxies in front, whose `X-Forwarded-For` and `X-Forwarded-Proto` count. Nobody else's do."}, addProxy},
		{Key{Name: "hosts", Kind: Text, Many: true, Example: "aweigh.example.com", Doc: "Names by which a server on loopback may be called, besides `localhost`: those that a proxy in front passes on."}, addHost},
	}
}

func checkToken(s string) error {
	switch s = strings.TrimSpace(s); {
	case len(s) < access.MinToken:
		return fmt.Errorf("too short: a token that cannot be guessed has %d characters or more, such as `openssl rand -hex 20` prints", access.MinToken)
	case strings.ContainsAny(s, " \t\r\n"):
		return errors.New("a token has no blanks and is one line")
	}
	return nil
}

// setUsers takes one user, or the lines of a file of them.
func setUsers(into *Web, s string) error {
	users, err := parseUsers(s)
	if err != nil {
		return err
	}
	if len(users) == 0 {
		return errors.New("there is no user in it: `aweigh user NAME` prints one")
	}
	into.Users = append(into.Users, users...)
	return nil
}

func parseUsers(s string) (users []access.User, err error) {
	for line := range strings.Lines(s) {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		u, err := access.ParseUser(line)
		if err != nil {
			return nil, err
		}
		users = append(users, u)
	}
	return users, nil
}

func addProxy(into *Web, s string) error {
	if ip, err := netip.ParseAddr(s); err == nil {
		into.Proxies = append(into.Proxies, netip.PrefixFrom(ip.Unmap(), ip.Unmap().BitLen()))
		return nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return errors.New("not an address: write 127.0.0.1 or 10.0.0.0/8")
	}
	into.Proxies = append(into.Proxies, p)
	return nil
}

func addHost(into *Web, s string) error {
	if s == "" || strings.ContainsAny(s, " /:*") {
		return errors.New("not a name: write it as the browser has it, without scheme and port, such as aweigh.example.com")
	}
	into.Hosts = append(into.Hosts, strings.ToLower(s))
	return nil
}

// Rules are what the pages' guard goes by; open says that only this machine can
// reach them.
func (w Web) Rules(open bool) access.Rules {
	r := access.Rules{Token: trimmed(w.Token), ViewToken: trimmed(w.ViewToken), StatusToken: trimmed(w.StatusToken), Users: w.Users,
		PublicPage: w.StatusPage == "public", Proxies: w.Proxies, Hosts: w.Hosts, Open: open}
	if len(w.files) > 0 {
		r.Files = slices.Sorted(maps.Values(w.files))
		r.Again = func() (access.Rules, error) {
			err := w.again()
			return w.Rules(open), err
		}
	}
	return r
}

// again reads the files with credentials. What one that is wrong has said before goes
// on, and keeps no other from counting. A file in which no user is left is none that is
// wrong: the last one was removed.
func (w *Web) again() (errs error) {
	for _, key := range slices.Sorted(maps.Keys(w.files)) {
		if err := w.read(key, w.files[key]); err != nil {
			errs = errors.Join(errs, fmt.Errorf("web.%s_file %s: %w: what it said before goes on", key, quotePath(w.files[key]), err))
		}
	}
	return errs
}

func (w *Web) read(key, file string) error {
	if key == "users" {
		text, err := readRegular(file, maxFile)
		if err != nil {
			return err
		}
		users, err := parseUsers(string(text))
		if err == nil {
			w.Users = users
		}
		return err
	}
	text, err := readSecret(file)
	if err != nil {
		return err
	}
	f, _, _ := find(webFields(), key)
	return f.set(w, text)
}

func trimmed(s Secret) string { return strings.TrimSpace(s.Reveal()) }
