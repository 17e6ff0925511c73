package config

import (
	"fmt"

	"github.com/aweigh/aweigh/internal/core"
	"github.com/aweigh/aweigh/internal/notify"
)

// Config is an aweigh.yaml. It is immutable: any number of goroutines may use
// it.
type Config struct {
	File    string // where it was read; "" is none
	Watch   Watch
	Web     Web
	Signals []Signal // in the order of the file
	Stages  []Stage  // in the order of the file, which is that of a deployment

	defaults layer
	services []service // the least specific first
	routes   []route
	// objectives are those of the file, in its order.
	objectives []promise
}

// service is one row of services: a name or a pattern, and what it says.
type service struct {
	name string
	says layer
}

// layer is what one place says of a service: only what was said.
type layer []setting

type setting struct {
	field  field[core.Settings]
	text   Secret // all of them: a probe may have a password in it
	shown  string
	column int
	origin Origin
}

// Default is what is in force without a file: every service is watched, and
// nobody is told.
func Default() *Config { return &Config{Watch: defaultWatch(), Web: defaultWeb()} }

// Routes are the routes with their URLs, for the one who sends. They are
// secrets: a notify.Route must not be printed.
func (c *Config) Routes() []notify.Route {
	routes := make([]notify.Route, len(c.routes))
	for i, r := range c.routes {
		routes[i] = r.Route
		routes[i].URL = r.to.Reveal()
	}
	return routes
}

// RouteOrigin says where a route was written.
func (c *Config) RouteOrigin(name string) Origin {
	for _, r := range c.routes {
		if r.Name == name {
			return r.origin
		}
	}
	return Origin{}
}

// Services are the names and patterns of the file, the least specific first.
func (c *Config) Services() []string {
	names := make([]string, len(c.services))
	for i, s := range c.services {
		names[i] = s.name
	}
	return names
}

// String sums up, without values.
func (c Config) String() string {
	file := c.File
	if file == "" {
		file = "no configuration"
	}
	return fmt.Sprintf("%s: %s, %s, %s", file, count(len(c.services), "service"), count(len(c.routes), "route"), count(len(c.Signals), "signal"))
}

// GoString is String, for %#v.
func (c Config) GoString() string { return c.String() }

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
