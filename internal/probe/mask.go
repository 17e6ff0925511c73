package probe

import (
	"net/url"
	"strings"
)

// masked stands for a secret.
const masked = "***"

// secretName reports whether a value of this name is to be kept from logs. When
// in doubt it is: a hidden value costs a look, a shown one costs the secret.
func secretName(name string) bool {
	name = strings.ToLower(name)
	if name == "sig" || name == "pw" {
		return true
	}
	for _, part := range [...]string{"token", "key", "secret", "pass", "pwd", "auth", "credential",
		"signature", "session", "jwt", "bearer", "cookie"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

// maskUser keeps the name before a password. Without a password the name may be
// a token, as in https://TOKEN@host.
func maskUser(u *url.Userinfo) string {
	if _, has := u.Password(); has {
		return url.User(u.Username()).String() + ":" + masked
	}
	return masked
}

// maskQuery hides the values of secret names in the query of a path.
func maskQuery(path string) string {
	path, query, has := strings.Cut(path, "?")
	if !has {
		return path
	}
	fields := strings.Split(query, "&")
	for i, f := range fields {
		name, _, has := strings.Cut(f, "=")
		plain, err := url.QueryUnescape(name)
		if has && (err != nil || secretName(plain)) {
			fields[i] = name + "=" + masked
		}
	}
	return path + "?" + strings.Join(fields, "&")
}

// maskWords hides the secrets of a command line: --password=x, --token x,
// PASSWORD=x, the -px of MySQL's clients, and the credentials of a URL.
func maskWords(words []string) []string {
	out := make([]string, len(words))
	hide := false
	for i, w := range words {
		name, _, assigned := strings.Cut(w, "=")
		switch {
		case hide && !strings.HasPrefix(w, "-"):
			out[i] = masked
		case assigned && i > 0 && secretName(name) && !strings.Contains(name, "/"):
			out[i] = name + "=" + masked
		case i > 0 && len(w) > 2 && strings.HasPrefix(w, "-p") && (strings.Contains(words[0], "mysql") || strings.Contains(words[0], "mariadb")):
			out[i] = "-p" + masked
		default:
			out[i] = maskLink(w)
		}
		hide = !assigned && strings.HasPrefix(w, "-") && (w == "-u" || w == "-a" || len(w) > 2 && secretName(w))
	}
	return out
}

// maskLink hides the credentials and the secret query values of a URL within a
// word.
func maskLink(w string) string {
	before, rest, ok := strings.Cut(w, "://")
	if !ok {
		return w
	}
	authority, path, slash := strings.Cut(rest, "/")
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		authority = masked + authority[at:]
	}
	if slash {
		authority += "/" + maskQuery(path)
	}
	return before + "://" + authority
}
