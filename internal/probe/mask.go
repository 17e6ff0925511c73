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
		case i > 0 && strings.ContainsAny(w, " \t\n"):
			out[i] = maskWithin(w)
		default:
			out[i] = maskLink(w)
		}
		hide = namesSecret(w)
	}
	return out
}

// namesSecret reports whether the word after an option is a secret.
func namesSecret(option string) bool {
	return strings.HasPrefix(option, "-") && !strings.Contains(option, "=") && (option == "-u" || option == "-a" || len(option) > 2 && secretName(option))
}

// maskWithin does so within a word that has several in it: a header, a connection
// string of PostgreSQL, what a shell is given.
func maskWithin(w string) string {
	words := strings.FieldsFunc(w, func(r rune) bool { return strings.ContainsRune(" \t\n", r) })
	var b strings.Builder
	hide := false
	for _, word := range words {
		at := strings.Index(w, word)
		b.WriteString(w[:at])
		w = w[at+len(word):]
		name, _, assigned := strings.Cut(word, "=")
		switch {
		case hide && !strings.HasPrefix(word, "-"):
			b.WriteString(masked)
			hide = strings.EqualFold(word, "bearer") || strings.EqualFold(word, "basic")
			continue
		case assigned && secretName(name) && !strings.Contains(name, "/"):
			b.WriteString(name + "=" + masked)
		default:
			b.WriteString(maskLink(word))
		}
		hide = namesSecret(word) || strings.HasSuffix(word, ":") && secretName(word)
	}
	return b.String() + w
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
