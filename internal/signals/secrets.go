package signals

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// secrets are texts that nobody may see. Drivers and servers write what they
// like into their errors, so that each error goes through hide.
type secrets struct {
	forms    []string
	replacer *strings.Replacer
}

// secretsOf finds the secrets of a signal: passwords, the user without one of
// an API (a token, as in https://TOKEN@host), headers, and the values in the query of a
// URL, since an API key is there as often as not.
func secretsOf(s Signal) *secrets {
	h := &secrets{}
	var found []string
	for _, v := range s.Headers {
		found = append(found, v)
		if _, token, ok := strings.Cut(v, " "); ok { // Bearer TOKEN
			found = append(found, token)
		}
	}
	if u, err := url.Parse(s.Source); err == nil && u.Opaque == "" && !strings.HasPrefix(s.Source, "sqlite:") {
		password, has := u.User.Password()
		if !has && strings.Contains(u.Scheme, "http") {
			password = u.User.Username()
		}
		found = append(found, password)
		for name, values := range u.Query() {
			for _, v := range values {
				if likelySecret(name, v) {
					found = append(found, v)
				}
			}
		}
	}
	h.add(found...)
	return h
}

// likelySecret leaves alone what is no secret and would make errors
// unreadable: sslmode=disable, limit=10, window={window_seconds}s.
func likelySecret(name, value string) bool {
	name = strings.ToLower(name)
	return name == "password" || name == "sslpassword" || len(value) >= 16 && !strings.ContainsAny(value, "{}/") ||
		strings.Contains(name, "key") || strings.Contains(name, "token") || strings.Contains(name, "secret")
}

// add adds secrets, in the forms that a text may have them in.
func (h *secrets) add(found ...string) {
	for _, f := range found {
		quoted := strconv.Quote(f)
		h.forms = append(h.forms, f, url.QueryEscape(f), url.PathEscape(f), quoted[1:len(quoted)-1])
	}
	// Of two that begin alike the replacer takes the first.
	slices.SortFunc(h.forms, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	var pairs []string
	for _, form := range h.forms {
		if form != "" {
			pairs = append(pairs, form, "***")
		}
	}
	h.replacer = strings.NewReplacer(pairs...)
}

func (h *secrets) hide(text string) string { return h.replacer.Replace(text) }
