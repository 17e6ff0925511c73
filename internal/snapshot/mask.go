package snapshot

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/aweigh/aweigh/internal/proc"
)

const masked = "***"

// mask hides secrets: what looks like one in a command line, and, wherever it
// turns up, the value of any variable of a secret's name in the environment of
// the processes looked at.
type mask struct {
	values *strings.Replacer
}

// shortest is how long a value must be to be searched for: "1" or "true" would
// blot out half of a text.
const shortest = 6

func newMask(looks []proc.Look) *mask {
	var values []string
	for _, l := range looks {
		env, err := proc.Environ(l.PID)
		if err != nil {
			continue
		}
		for name, value := range env.All() {
			if secretName(name) && opaque(value) {
				values = append(values, value)
			}
			if password := passwordOf(value); len(password) >= shortest {
				values = append(values, password)
			}
		}
	}
	// POSTGRES_PASSWORD=postgres protects nothing, and would hide the program.
	values = slices.DeleteFunc(values, func(v string) bool {
		return slices.ContainsFunc(looks, func(l proc.Look) bool { return l.Name == v || strings.Contains(l.Exe, v) })
	})
	slices.SortFunc(values, func(a, b string) int { return len(b) - len(a) }) // the longest first
	var pairs []string
	for _, v := range slices.Compact(values) {
		pairs = append(pairs, v, masked)
	}
	return &mask{strings.NewReplacer(pairs...)}
}

// opaque reports whether a value is one to be searched for. Names that sound
// secret also hold paths, links and addresses (AUTH_SERVICE_ADDR), which are
// what a person looks for in a snapshot.
func opaque(value string) bool {
	if len(value) < shortest || strings.HasPrefix(value, "/") || strings.Contains(value, "://") {
		return false
	}
	_, notAddr := netip.ParseAddr(value)
	_, notAddrPort := netip.ParseAddrPort(value)
	return notAddr != nil && notAddrPort != nil
}

func (m *mask) text(s string) string { return m.values.Replace(s) }

func (m *mask) args(args []string) []string {
	out := MaskArgs(args)
	for i := range out {
		out[i] = m.text(out[i])
	}
	return out
}

// secretName reports whether a value of this name is to be hidden. When in
// doubt it is.
func secretName(name string) bool {
	name = strings.ToLower(name)
	if name == "pw" || name == "sig" || name == "dsn" {
		return true
	}
	for _, part := range [...]string{"token", "key", "secret", "pass", "pwd", "auth", "credential",
		"signature", "session", "jwt", "bearer", "cookie", "dsn", "private"} {
		// $PWD and $OLDPWD, and the socket of an agent, are paths that a person needs.
		if strings.Contains(name, part) && name != "pwd" && name != "oldpwd" && name != "ssh_auth_sock" {
			return true
		}
	}
	return false
}

// MaskArgs hides the secrets of a command line: --password=x, --token x,
// PASSWORD=x, "Authorization: x", the -px of MySQL's clients, credentials in a
// URL. Within the string of a shell's -c the same words are looked for.
func MaskArgs(args []string) []string {
	out := make([]string, len(args))
	hide := false
	for i, arg := range args {
		switch {
		case hide && !strings.HasPrefix(arg, "-"):
			out[i], hide = masked, false
			continue
		case i > 0 && strings.HasPrefix(arg, "-p") && len(arg) > 2 && arg[2] != '=' && !strings.HasPrefix(arg, "-pass") &&
			(strings.Contains(args[0], "mysql") || strings.Contains(args[0], "mariadb")):
			out[i] = "-p" + masked
		case strings.ContainsAny(arg, " \t\n") && i > 0:
			out[i] = maskWords(arg)
		default:
			out[i] = maskWord(arg)
		}
		hide = i > 0 && strings.HasPrefix(arg, "-") && !strings.Contains(arg, "=") && len(arg) > 2 && secretName(strings.TrimLeft(arg, "-"))
	}
	return out
}

// maskWords masks within a longer string and leaves its spaces as they are.
func maskWords(s string) string {
	var b strings.Builder
	hide := false
	for len(s) > 0 {
		end := strings.IndexAny(s, " \t\n;|&")
		if end < 0 {
			end = len(s)
		}
		word := s[:end]
		switch {
		case word == "":
		case hide && !strings.HasPrefix(word, "-"):
			b.WriteString(masked)
			// "Authorization: Bearer x" hides both words that follow.
			hide = strings.EqualFold(word, "bearer") || strings.EqualFold(word, "basic")
		default:
			b.WriteString(maskWord(word))
			name := strings.Trim(word, `-"':`)
			hide = secretName(name) && (strings.HasSuffix(word, ":") || strings.HasPrefix(word, "--") && !strings.Contains(word, "="))
		}
		if end < len(s) {
			b.WriteByte(s[end])
			end++
		}
		s = s[end:]
	}
	return b.String()
}

func maskWord(word string) string {
	if name, _, ok := strings.Cut(word, "="); ok && secretName(name) && !strings.Contains(name, "://") {
		return name + "=" + masked
	}
	// Host=db;Password=x, as .NET and JDBC have it.
	parts := strings.Split(maskURL(word), ";")
	for i, part := range parts[1:] {
		if name, _, ok := strings.Cut(part, "="); ok && secretName(name) {
			parts[i+1] = name + "=" + masked
		}
	}
	return strings.Join(parts, ";")
}

// maskURL hides the credentials and the secret query values of a URL.
func maskURL(word string) string {
	before, rest, ok := strings.Cut(word, "://")
	if !ok {
		return word
	}
	authority, path := rest, ""
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		authority, path = rest[:i], rest[i:]
	}
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		authority = masked + authority[at:]
	}
	path, query, asked := strings.Cut(path, "?")
	if asked {
		fields := strings.Split(query, "&")
		for i, f := range fields {
			if name, _, ok := strings.Cut(f, "="); ok && secretName(name) {
				fields[i] = name + "=" + masked
			}
		}
		path += "?" + strings.Join(fields, "&")
	}
	return before + "://" + authority + path
}

// passwordOf returns the password in a URL such as postgres://user:password@host/.
func passwordOf(value string) string {
	_, rest, ok := strings.Cut(value, "://")
	if !ok {
		return ""
	}
	authority, _, _ := strings.Cut(rest, "/")
	at := strings.LastIndexByte(authority, '@') // clients take the last one, as maskURL does
	if at < 0 {
		return ""
	}
	_, password, _ := strings.Cut(authority[:at], ":")
	return password
}
