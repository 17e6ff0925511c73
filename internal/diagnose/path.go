package diagnose

import "strings"

// role is what a file is for: the same ENOENT means another cause for each.
type role uint8

const (
	noPath role = iota
	otherPath
	scriptPath
	configPath
	libraryPath
	tlsPath
)

// pathIn is the path that a line of an error speaks of; "" without one.
func pathIn(text string) string {
	path, _ := pathAndRole(text)
	return path
}

// roleIn is the role of that path.
func roleIn(text string) role {
	_, r := pathAndRole(text)
	return r
}

// namesNoFile tells whether a line of an error speaks of no file: Ruby and Perl
// put the name of the script that failed before every message.
func namesNoFile(text string) bool {
	r := roleIn(text)
	return r == noPath || r == scriptPath
}

func pathAndRole(text string) (path string, best role) {
	if place, rest, ok := strings.Cut(text, ":in `"); ok && !strings.ContainsAny(place, " '") {
		text = rest
	}
	// "… in /app/index.php on line 3" and "… in /etc/nginx/nginx.conf:5" say where
	// the program was, not what it missed.
	for _, place := range []string{" in /", " at /"} {
		if before, _, ok := strings.Cut(text, place); ok && strings.Contains(before, "/") {
			text = before
		}
	}
	if quoted := quotedPath(text); quoted != "" {
		return quoted, roleOf(quoted)
	}
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t\"'`()[]{},;=<>“”‘’«»", r) }) {
		word = strings.TrimRight(word, ":.!?")
		if r := roleOf(word); r > best {
			path, best = word, r
		}
	}
	return path, best
}

// quotedPath is the only absolute path that the text has in quotes: then it is
// what an error is about; "" without.
func quotedPath(text string) (path string) {
	for _, mark := range []string{`"`, "'"} {
		parts := strings.Split(text, mark)
		if len(parts)%2 == 0 || len(parts) > 16 {
			continue
		}
		for i := 1; i+1 < len(parts); i += 2 {
			if len(parts[i]) < 2 || parts[i][0] != '/' || strings.ContainsAny(parts[i], " \t") {
				continue
			}
			if path != "" {
				return ""
			}
			path = parts[i]
		}
	}
	return path
}

func roleOf(word string) role {
	low := lower(word)
	if strings.Contains(low, "://") || strings.HasPrefix(low, "//") {
		return noPath
	}
	base := low[strings.LastIndexByte(low, '/')+1:]
	slash := strings.Contains(low, "/") && !isDate(low)
	ext := ""
	if dot := strings.LastIndexByte(base, '.'); dot >= 0 && dot < len(base)-1 {
		ext = base[dot+1:]
	}
	switch ext {
	case "pem", "crt", "cer", "key", "p12", "pfx", "jks", "keystore", "truststore", "csr", "p8":
		return tlsPath
	case "so", "dylib":
		return libraryPath
	case "yaml", "yml", "json", "toml", "ini", "conf", "cfg", "cnf", "config", "properties", "env", "xml", "hcl", "rc", "cf", "acl", "vcl", "json5", "kdl", "local", "exs":
		if base != "package.json" && base != "tsconfig.json" {
			return configPath
		}
		return scriptPath
	case "py", "js", "mjs", "cjs", "ts", "rb", "php", "pl", "pm", "jar", "war", "class", "dll", "lua", "phar", "psgi", "ru", "beam", "wasm":
		if configName(base) || strings.HasPrefix(low, "config/") || strings.Contains(low, "/config/") || strings.HasPrefix(low, "/etc/") {
			return configPath
		}
		return scriptPath
	}
	switch {
	case slash && configName(base), ext != "" && configName(base):
		return configPath
	case strings.Contains(base, ".so."):
		return libraryPath
	case !slash:
		if base == "caddyfile" || base == ".env" || base == "config" {
			return configPath
		}
		return noPath
	case hasAny(low, "/certs/|/cert/|/tls/|/ssl/|/pki/|/letsencrypt/"):
		return tlsPath
	case ext == "sock", ext == "pid", ext == "log", ext == "lock", ext == "db":
		return otherPath
	case strings.HasPrefix(low, "/etc/"), hasAny(low, "/config/|/conf/|/conf.d/|/configs/|/settings/"), base == "caddyfile", base == ".env", base == "config":
		return configPath
	case len(low) < 2, strings.HasPrefix(low, "/proc/"), strings.HasPrefix(low, "tcp/"), strings.HasPrefix(low, "udp/"):
		return noPath
	case low[0] == '/', low[0] == '.', ext != "", strings.Count(low, "/") > 1:
		return otherPath
	}
	return noPath
}

// configName recognises the name of a file that is a configuration in the
// program's own language: config.scm, settings.lua, prosody.cfg.lua.
func configName(base string) bool {
	name, _, _ := strings.Cut(base, ".")
	switch name {
	case "config", "configuration", "settings", "conf":
		return true
	}
	return hasAny(base, ".cfg.|.conf.|.config.") || strings.HasSuffix(base, "_config") || strings.HasSuffix(base, "_conf") ||
		strings.HasSuffix(base, "rc") && !strings.Contains(base, ".") && len(base) > 3
}

// placeInConfig tells whether a line names a place in a configuration:
// "/app/monitrc:2", "line 2 in file /app/c.conf", "/app/c.conf (3)".
func placeInConfig(low string) bool {
	numbered := false
	if _, after, ok := strings.Cut(low, "line "); ok && after != "" && isDigit(after[0]) {
		numbered = true
	}
	for _, word := range strings.FieldsFunc(low, func(r rune) bool { return strings.ContainsRune(" \t\"'`()[]{},<>", r) }) {
		file, place, ok := strings.Cut(word, ":")
		if file != "" && (numbered || ok && place != "" && isDigit(place[0])) && roleOf(strings.TrimRight(file, ".")) == configPath {
			return true
		}
	}
	return false
}

// placeInOther tells whether a line names a place in a file that is no source by
// its name: "/app/rules:12".
func placeInOther(low string) bool {
	for _, word := range strings.Fields(low) {
		at := strings.IndexByte(word, '/')
		if at < 0 {
			continue
		}
		file, place, ok := strings.Cut(word[at:], ":")
		if ok && place != "" && isDigit(place[0]) && (at == 0 || word[at-1] == ':') {
			base := file[strings.LastIndexByte(file, '/')+1:]
			return !strings.Contains(base, ".")
		}
	}
	return false
}

// isDate recognises 2026/11/23 and 23/Nov/2026.
func isDate(low string) bool {
	return strings.Count(low, "/") == 2 && low[0] != '/' && isDigit(low[0]) && isDigit(low[len(low)-1])
}
