package config

import (
	"strings"

	"github.com/aweigh/aweigh/internal/probe"
)

const masked = "xxxxx"

// Secret is a text that must not be shown. It prints and marshals as its scheme
// and xxxxx ("smtp://xxxxx"); the text is kept in a closure, where reflection
// (fmt, a debugger's dump, encoding/json on some struct that holds it) does not
// find it either.
type Secret struct{ reveal func() string }

// NewSecret keeps a text.
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{func() string { return text }}
}

// Reveal returns the text, for the one who must use it.
func (s Secret) Reveal() string {
	if s.reveal == nil {
		return ""
	}
	return s.reveal()
}

// IsZero reports whether there is no text.
func (s Secret) IsZero() bool { return s.reveal == nil }

// String is what may be shown.
func (s Secret) String() string { return mask(s.Reveal()) }

// GoString is String, for %#v.
func (s Secret) GoString() string { return s.String() }

// MarshalText is String, for encoding/json.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// mask keeps the scheme of a URL: it says which service is told, and is no
// secret. All else may be one: chat services have their tokens in the host.
func mask(text string) string {
	scheme, _, ok := strings.Cut(text, ":")
	switch {
	case text == "":
		return ""
	case !ok || !isScheme(scheme):
		return masked
	case strings.HasPrefix(text[len(scheme):], "://"):
		return scheme + "://" + masked
	}
	return scheme + ":" + masked
}

func isScheme(s string) bool {
	for i, c := range s {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || !strings.ContainsRune("0123456789+-.", c)) {
			return false
		}
	}
	return s != "" && len(s) <= 24
}

// maskProbe shows more of a probe, since people need to see where it goes: all
// but credentials and the query.
func maskProbe(url string) string {
	if strings.HasPrefix(url, "exec:") {
		t, err := probe.Parse(url, 0)
		if err != nil {
			return "exec:" + masked
		}
		return strings.ReplaceAll(t.String(), "***", masked)
	}
	before, rest, ok := strings.Cut(url, "://")
	if !ok {
		before, rest = "", url
	} else {
		before += "://"
	}
	rest, _, query := strings.Cut(rest, "?")
	// The last @, wherever it is: a password may have an unescaped / in it.
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		rest = masked + rest[at:]
	}
	if query {
		rest += "?" + masked
	}
	return before + rest
}
