package config

import (
	"os"
	"path/filepath"
	"slices"

	"github.com/aweigh/aweigh/internal/core"
	"go.yaml.in/yaml/v4"
)

// Load reads the file. The error is Problems when the file can be read, and
// names all that is wrong with it.
func Load(path string) (*Config, error) {
	data, err := readRegular(path, maxFile)
	if err != nil {
		return nil, err
	}
	return Parse(path, data)
}

// Parse is Load of what was read already; path names it in errors, and its
// directory is what relative paths in it are relative to.
func Parse(path string, data []byte) (*Config, error) {
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	return parse(data, &reader{file: path, dir: dir, env: os.LookupEnv, readFile: readSecret})
}

func parse(data []byte, r *reader) (*Config, error) {
	if r.left == 0 {
		r.left = maxNodes
	}
	c := Default()
	c.File = r.file
	if doc := r.document(data); doc != nil {
		r.config(doc, c)
	}
	if len(r.problems) > 0 {
		slices.SortStableFunc(r.problems, func(a, b Problem) int {
			if a.Line != b.Line {
				return a.Line - b.Line
			}
			return a.Column - b.Column
		})
		return nil, r.problems
	}
	return c, nil
}

func (r *reader) config(doc *yaml.Node, c *Config) {
	sections := []string{"watch", "web", "defaults", "services", "routes", "signals", "objectives", "stages"}
	for _, e := range r.mapping(doc, "") {
		switch e.name {
		case "watch":
			readSection(r, e.value, "watch", "", watchFields(), func(f field[Watch], v value) error {
				return r.watch(&c.Watch, f, v)
			})
		case "web":
			readSection(r, e.value, "web", "", webFields(), func(f field[Web], v value) error {
				return r.web(&c.Web, f, v)
			})
		case "defaults":
			c.defaults = r.layer(e.value, "defaults")
		case "services":
			for _, s := range r.mapping(e.value, "services") {
				if err := checkPattern(s.name); err != nil {
					r.at(s.key, "services", "%v", err)
					continue
				}
				c.services = append(c.services, service{s.name, r.layer(s.value, "services."+s.name)})
			}
			slices.SortStableFunc(c.services, func(a, b service) int { return specificity(a.name) - specificity(b.name) })
		case "routes":
			r.routes(e.value, c)
		case "signals":
			r.signals(e.value, c)
		case "objectives":
			r.objectives(e.value, c)
		case "stages":
			r.stages(e.value, c)
		default:
			if len(e.name) < 2 || e.name[:2] != "x-" {
				r.at(e.key, "", "%s", unknownKey(e.name, sections))
			}
		}
	}
	r.kindsOfSignals(c)
	r.signalsOfObjectives(c)
}

// watch takes one value over; paths become absolute, since the daemon may be
// started anywhere.
func (r *reader) watch(into *Watch, f field[Watch], v value) error {
	if err := f.set(into, v.text); err != nil {
		return err
	}
	switch f.Name {
	case "state":
		into.State = r.beside(into.State)
	case "records":
		last := len(into.Records) - 1
		into.Records[last] = r.beside(into.Records[last])
	}
	return nil
}

// web is watch for the pages.
func (r *reader) web(into *Web, f field[Web], v value) error {
	if err := f.set(into, v.text); err != nil {
		return err
	}
	switch f.Name {
	case "tls_cert":
		into.TLSCert = r.beside(into.TLSCert)
	case "tls_key":
		into.TLSKey = r.beside(into.TLSKey)
	}
	if v.file != "" {
		if into.files == nil {
			into.files = map[string]string{}
		}
		into.files[f.Name] = v.file
	}
	return nil
}

// layer reads what one section says of a service. Each value is tried on its
// own, so that For has nothing left to refuse.
func (r *reader) layer(n *yaml.Node, path string) layer {
	var l layer
	var tried core.Settings
	readSection(r, n, path, "", serviceFields(), func(f field[core.Settings], v value) error {
		if err := f.set(&tried, v.text); err != nil {
			return err
		}
		l = append(l, setting{f, NewSecret(v.text), shown(f.Key, v), v.node.Column, Origin{File: r.file, Line: v.node.Line}})
		return nil
	})
	return l
}

// shown is how a value in force is told to people.
func shown(k Key, v value) string {
	switch {
	case k.Secret && v.hidden:
		return mask(v.text)
	case k.Secret:
		return maskProbe(v.text)
	case v.hidden:
		return v.raw
	}
	return v.text
}
