package lint

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/compose"
)

var variableUnset = Rule{
	ID: "variable-unset", Severity: aweigh.Warning, Title: "a variable has no value",
	Why:   "Compose puts nothing in its place, and the service starts with an empty password, port or address.",
	Fix:   "Set it in .env or the environment, or write a default: ${NAME:-default}.",
	check: checkVariableUnset,
}

func checkVariableUnset(p *project) (all []Finding) {
	for _, v := range p.Project.Unset {
		f := Finding{File: v.Place.File, Line: v.Place.Line, Column: v.Place.Column, Message: fmt.Sprintf("variable %s is not set, and has no default", quote(v.Name))}
		if v.Required {
			f.Severity = aweigh.Critical
			f.Message = fmt.Sprintf("variable %s must be set, and is not", quote(v.Name))
			if v.Why != "" {
				f.Message += ": " + quote(v.Why)
			}
		}
		all = append(all, f)
	}
	for _, s := range p.services {
		for _, name := range sorted(s.Environment) {
			if s.Environment[name] != nil {
				continue
			}
			if _, ok := p.Project.Environment[name]; !ok {
				f := s.found(fmt.Sprintf("%s is to be passed on, and is not set here", quote(name)), "environment", name)
				f.Severity = aweigh.Info // it may be one that need not be there
				f.Fix = "Set it in .env or the environment, unless the service does without."
				all = append(all, f)
			}
		}
	}
	return all
}

var fileMissing = Rule{
	ID: "file-missing", Severity: aweigh.Critical, Title: "a file that is named is not there",
	Why:   "Compose refuses to go on; where the source of a bind mount is missing, Docker makes an empty directory of root's in its place.",
	Fix:   "Create it, or correct the path.",
	check: checkFileMissing,
}

func checkFileMissing(p *project) (all []Finding) {
	for _, s := range p.services {
		for n, e := range s.EnvFiles {
			if missing(e.Path) && bool(e.Required) {
				all = append(all, s.found(fmt.Sprintf("env_file %s is not there", quote(compose.Shorten(e.Path))), "env_file", strconv.Itoa(n)))
			}
		}
		for _, v := range s.Volumes {
			if v.Type == "bind" && missing(v.Source) {
				f := s.found(fmt.Sprintf("the source of a bind mount is not there: %s", quote(compose.Shorten(v.Source))), s.item("volumes", v.Target)...)
				f.Severity = aweigh.Warning
				all = append(all, f)
			}
		}
		if s.badFile != "" {
			all = append(all, s.found(quote(s.badFile), "build"))
		} else if file := s.dockerfilePath(); file != "" && s.dockerfile == nil {
			all = append(all, s.found(fmt.Sprintf("the Dockerfile %s is not there", quote(compose.Shorten(file))), "build"))
		}
	}
	for _, name := range sorted(p.Project.Secrets) {
		if file := p.Project.Secrets[name].File; file != "" && missing(file) {
			all = append(all, p.named("secrets", name, fmt.Sprintf("the file of secret %s is not there: %s", quote(name), quote(compose.Shorten(file)))))
		}
	}
	for _, name := range sorted(p.Project.Configs) {
		if file := p.Project.Configs[name].File; file != "" && missing(file) {
			all = append(all, p.named("configs", name, fmt.Sprintf("the file of config %s is not there: %s", quote(name), quote(compose.Shorten(file)))))
		}
	}
	return all
}

// named is a finding about something of the project that is no service.
func (p *project) named(section, name, message string) Finding {
	at := p.Project.At(section, name)
	return Finding{File: at.File, Line: at.Line, Column: at.Column, Message: message}
}

func missing(path string) bool {
	_, err := os.Stat(path)
	return errors.Is(err, fs.ErrNotExist)
}

var plainSecret = Rule{
	ID: "plain-secret", Severity: aweigh.Warning, Title: "a secret is written down",
	Why:   "Who reads the file, its history or `docker inspect` has it. What a Dockerfile sets is in every copy of the image.",
	Fix:   "Take it from a variable (${NAME}) that is set outside of the repository, or from secrets: and a variable that ends in _FILE.",
	check: each(checkPlainSecret),
}

func checkPlainSecret(s *service) (all []Finding) {
	for _, name := range sorted(s.Environment) {
		value := s.Environment[name]
		if value == nil || !secret(name, *value) {
			continue
		}
		written, ok := s.p.Project.Text(s.path("environment", name)...)
		if !ok || compose.HasVariable(written) {
			continue
		}
		all = append(all, s.found(fmt.Sprintf("the value of %s is written in the file", quote(name)), "environment", name))
	}
	for _, a := range s.built.Env {
		if secret(a.Name, a.Value) && !compose.HasVariable(a.Value) {
			all = append(all, s.inDockerfile(fmt.Sprintf("the value of %s is written in the Dockerfile, and stays in the image", quote(a.Name)), a.Line))
		}
	}
	return all
}

// secretEnds are the last words of the names of secrets.
var secretEnds = []string{"PASSWORD", "PASSWD", "PASSPHRASE", "PWD", "PASS", "SECRET", "TOKEN", "APIKEY", "API_KEY", "SECRET_KEY", "PRIVATE_KEY", "ACCESS_KEY", "AUTH_KEY", "ENCRYPTION_KEY", "SIGNING_KEY", "CREDENTIALS", "SECRET_KEY_BASE"}

// secret reports whether a variable holds a secret, by its name or by the
// password of a URL. To be sure is more here than to miss none.
func secret(name, value string) bool {
	if value == "" {
		return false
	}
	if _, rest, ok := strings.Cut(value, "://"); ok && strings.Contains(rest, "@") {
		u, err := url.Parse(value)
		if err != nil {
			// A password with a character that should have been escaped, and not
			// ssh://git@example.com:path.
			return strings.Contains(rest[:strings.LastIndexByte(rest, '@')], ":")
		}
		password, has := u.User.Password()
		return has && password != ""
	}
	switch strings.ToLower(value) {
	case "true", "false", "yes", "no", "on", "off", "0", "1", "none", "null":
		return false
	}
	if strings.HasPrefix(value, "/") {
		return false // the path of one
	}
	name = strings.ToUpper(name)
	return slices.ContainsFunc(secretEnds, func(end string) bool { return name == end || strings.HasSuffix(name, "_"+end) })
}
