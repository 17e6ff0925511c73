package diagnose

import "strings"

const hidden = "***"

// secretNames are what the names of secrets have in them.
const secretNames = "password|passwd|pwd|secret|token|api_key|apikey|api-key|access_key|accesskey|access-key|private_key|credential|" +
	"auth_key|session_key|signing_key|encryption_key|app_key|master_key|passphrase|client_secret"

// mask hides what looks like a secret: passwords in URLs and DSNs, the values of
// names that speak of secrets, bearer tokens, JSON Web Tokens, keys of clouds.
// What looks like none stays, so that a line is still of use.
func mask(text string) string {
	text = maskURLs(text)
	text = maskDSNs(text)
	text = maskPairs(text)
	return maskTokens(text)
}

// maskURLs hides the password of scheme://user:password@host.
func maskURLs(text string) string {
	var out strings.Builder
	for {
		at := strings.Index(text, "://")
		if at < 0 {
			break
		}
		out.WriteString(text[:at+3])
		text = text[at+3:]
		end := strings.IndexAny(text, " \t\"'`<>)")
		if end < 0 {
			end = len(text)
		}
		// The last @ ends the password: it may have an @ or a / of its own.
		host := strings.LastIndexByte(text[:end], '@')
		if host < 0 {
			continue
		}
		if user, _, ok := strings.Cut(text[:host], ":"); ok {
			out.WriteString(user + ":" + hidden)
		} else {
			out.WriteString(hidden) // a token in place of a user
		}
		text = text[host:]
	}
	out.WriteString(text)
	return out.String()
}

// maskDSNs hides the password of user:password@tcp(host:port)/name, as Go's
// driver for MySQL has it.
func maskDSNs(text string) string {
	for _, at := range []string{"@tcp(", "@unix("} {
		before, after, ok := strings.Cut(text, at)
		if !ok {
			continue
		}
		if colon := strings.IndexByte(before[strings.LastIndexAny(before, " \t\"'`=")+1:], ':'); colon >= 0 {
			text = before[:strings.LastIndexAny(before, " \t\"'`=")+1+colon+1] + hidden + at + after
		}
	}
	return text
}

// maskPairs hides the value of name=value, name: value and "name": "value".
func maskPairs(text string) string {
	low := lower(text)
	var out strings.Builder
	done := 0
	for i := 0; i < len(low); i++ {
		if low[i] != '=' && low[i] != ':' {
			continue
		}
		name := strings.TrimRight(low[max(done, i-60):i], `"'\ `)
		if cut := strings.LastIndexAny(name, " \t,;{([&?"); cut >= 0 {
			name = name[cut+1:]
		}
		name = strings.TrimLeft(name, `"'\`)
		begin := i + 1
		for begin < len(text) && strings.IndexByte(` "'=>\`, text[begin]) >= 0 {
			begin++
		}
		set := low[i] == '=' || text[begin-1] == '"' || text[begin-1] == '\''
		if !secretName(name) && !(set && (name == "pass" || name == "auth")) {
			continue
		}
		if prose(low[begin:], low[i] == ':' && begin > i+1) {
			continue
		}
		stop := " \"',;&)}]\\"
		if quote := text[begin-1]; (quote == '"' || quote == '\'') && strings.IndexByte(text[begin:], quote) > 0 {
			stop = text[begin-1:begin] + "\\" // it may have blanks
		}
		end := begin
		for end < len(text) && strings.IndexByte(stop, text[end]) < 0 {
			end++
		}
		if end == begin || done > begin {
			continue
		}
		out.WriteString(text[done:begin])
		out.WriteString(hidden)
		done, i = end, end-1
	}
	out.WriteString(text[done:])
	return out.String()
}

// secretName tells whether a name is a secret's. "KeyError" is no key.
func secretName(name string) bool {
	return len(name) > 2 && (hasAny(name, secretNames) || strings.HasSuffix(name, "_pass") || strings.HasSuffix(name, "_auth") || name == "requirepass") && !strings.HasSuffix(name, "error") && !strings.HasSuffix(name, "exception") && !strings.HasSuffix(name, "_file")
}

// prose recognises what is no secret behind such a name: MySQL's (using password:
// YES), and after a colon and a space the rest of a sentence.
func prose(rest string, spaced bool) bool {
	word, _, _ := strings.Cut(rest, " ")
	switch strings.Trim(word, ".,:;)") {
	case "yes", "no":
		return true
	case "not", "is", "must", "invalid", "missing", "required", "the", "cannot", "failed", "authentication", "unexpected", "field", "none", "null", "undefined":
		return spaced
	}
	return false
}

// maskTokens hides words that are secrets by their form.
func maskTokens(text string) string {
	var out strings.Builder
	bearer, flag := false, false
	for len(text) > 0 {
		end := strings.IndexAny(text, " \t\"'`,;()[]{}<>=&")
		if end == 0 {
			out.WriteByte(text[0])
			text = text[1:]
			continue
		}
		if end < 0 {
			end = len(text)
		}
		word := text[:end]
		switch {
		case bearer && len(word) > 6, flag && !prose(lower(word), true), tokenForm(word):
			out.WriteString(hidden)
		default:
			out.WriteString(word)
		}
		low := lower(word)
		bearer = low == "bearer" || low == "basic"
		flag = end < len(text) && text[end] == ' ' && strings.HasPrefix(low, "--") && secretName(low) // --password x
		text = text[end:]
	}
	return out.String()
}

// tokenForm recognises a JSON Web Token, keys of AWS, GitHub, Slack, Google and
// Stripe.
func tokenForm(word string) bool {
	if len(word) < 16 {
		return false
	}
	for _, start := range [...]string{"AKIA", "ASIA", "ghp_", "gho_", "ghs_", "github_pat_", "glpat-", "xoxb-", "xoxp-", "xoxa-", "AIza", "sk_live_", "sk_test_", "rk_live_", "sk-", "SG.", "hvs."} {
		if strings.HasPrefix(word, start) {
			return true
		}
	}
	return strings.HasPrefix(word, "eyJ") && strings.Count(word, ".") == 2
}
