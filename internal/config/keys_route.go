package config

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"strings"
	"time"
	_ "time/tzdata" // hosts and images without zone files must not fail over quiet hours

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/notify"
	"go.yaml.in/yaml/v4"
)

// route is a notify.Route whose URL is kept apart, since it is a secret.
type route struct {
	notify.Route
	to     Secret
	origin Origin
	kinds  []*yaml.Node // where each of Kinds is written
}

func routeFields() []field[route] {
	type r = route
	severities := []string{string(aweigh.Critical), string(aweigh.Warning), string(aweigh.Info)}
	return []field[r]{
		{Key{Name: "name", Kind: Text, Required: true, Example: "ops", Doc: "Its name, shown wherever the URL must not be."},
			text(func(c *r) *string { return &c.Name })},
		{Key{Name: "to", Kind: Text, Required: true, Secret: true, Example: "smtp://aweigh:${SMTP_PASSWORD}@mail.example.com:587/?from=aweigh@example.com&to=ops@example.com",
			Doc: "`smtp(s)://[user:password@]host:port/?to=A,B[&from=C]`, `webhook+http(s)://…`, `alertmanager+http(s)://…`, `command:/path/to/program`, or a shoutrrr URL (`slack://…`, `telegram://…`, `ntfy://…`)."},
			secret(func(c *r) *Secret { return &c.to }, checkRoute)},
		{Key{Name: "services", Kind: Text, Many: true, Default: "all", Example: "webhook", Doc: "Only of these services: names or patterns."},
			list(func(c *r) *[]string { return &c.Services }, checkPattern)},
		{Key{Name: "kinds", Kind: Text, Many: true, Default: "all", Example: "crash-loop", Doc: "Only these kinds of incidents: " + code(kinds()) + ", `signal:NAME`, or patterns of them."},
			list(func(c *r) *[]string { return &c.Kinds }, checkKind)},
		{Key{Name: "severities", Kind: Choice, Many: true, Default: "all", Words: severities, Doc: "Only these severities."},
			list(func(c *r) *[]aweigh.Severity { return &c.Severities }, oneOf(severities...))},
		{Key{Name: "occasions", Kind: Choice, Many: true, Default: "all", Words: occasions(), Doc: "Only these occasions."},
			list(func(c *r) *[]aweigh.Occasion { return &c.Occasions }, oneOf(occasions()...))},
		{Key{Name: "escalation", Kind: Boolean, Default: "false", Doc: "Hear of an incident only from the moment when nobody has acknowledged it in time (`escalate_after`)."},
			boolean(func(c *r) *bool { return &c.Escalation })},
		{Key{Name: "drills", Kind: Boolean, Default: "false", Doc: "Hear of what drills cause, which no other route does."},
			boolean(func(c *r) *bool { return &c.Drills })},
		{Key{Name: "report", Kind: Choice, Words: notify.ReportTimes(), Doc: "Get the report as well: each day at 08:00, or each Monday, by the host's clock. It is made for mail; elsewhere only its first lines come. `services` narrows it down, nothing else does."},
			checked(func(c *r) *string { return &c.Report }, oneOf(notify.ReportTimes()...))},
		{Key{Name: "quiet.from", Kind: Clock, Example: `"22:00"`, Doc: "Quiet hours begin: only critical incidents are told, the rest comes as one digest when they end."},
			clock(func(q *notify.QuietHours) *string { return &q.From })},
		{Key{Name: "quiet.to", Kind: Clock, Example: `"07:00"`, Doc: "Quiet hours end."},
			clock(func(q *notify.QuietHours) *string { return &q.To })},
		{Key{Name: "quiet.zone", Kind: Text, Default: "the host's", Example: "Europe/Berlin", Doc: "Time zone of the quiet hours."},
			checked(func(c *r) *string { return &c.quiet().Zone }, checkZone)},
	}
}

func (r *route) quiet() *notify.QuietHours {
	if r.Quiet == nil {
		r.Quiet = &notify.QuietHours{}
	}
	return r.Quiet
}

func clock(at func(*notify.QuietHours) *string) func(*route, string) error {
	return checked(func(c *route) *string { return at(c.quiet()) }, func(s string) error {
		if _, err := time.Parse("15:04", s); err != nil || len(s) != 5 {
			return errors.New(`not a time of day: write "22:00", in quotes`)
		}
		return nil
	})
}

// whole says what is missing between the keys of one route.
func (r *route) whole() error {
	if q := r.Quiet; q != nil && (q.From == "" || q.To == "" || q.From == q.To) {
		return errors.New(`quiet hours need a from and a to that differ, such as {from: "22:00", to: "07:00"}`)
	}
	return nil
}

// checkRoute looks at the shape only; whether it works, `aweigh notify test`
// says. It repeats nothing but the scheme.
func checkRoute(s string) error {
	scheme, rest, ok := strings.Cut(s, ":")
	if !ok || !isScheme(scheme) || rest == "" {
		return errors.New("not a route: write smtp://…, webhook+https://…, command:/path or a shoutrrr URL such as slack://…")
	}
	if scheme == "command" {
		if !strings.HasPrefix(rest, "/") || strings.HasPrefix(rest, "//") {
			return errors.New("write the absolute path of the program, such as command:/usr/local/bin/tell")
		}
		return nil
	}
	if !strings.HasPrefix(rest, "//") {
		return errors.New("after the scheme comes ://, as in smtp://…")
	}
	u, err := url.Parse(s)
	switch {
	case (scheme == "http" || scheme == "https"):
		return fmt.Errorf("write webhook+%s:// for a webhook, or alertmanager+%s:// for an Alertmanager", scheme, scheme)
	case err != nil && (scheme == "smtp" || scheme == "smtps" || strings.HasSuffix(scheme, "+http") || strings.HasSuffix(scheme, "+https")):
		return errors.New("not a URL: a character in it must be escaped, such as %2F for / and %40 for @ in a password")
	case scheme == "smtp" || scheme == "smtps":
		if u.Host == "" || u.Query().Get("to") == "" {
			return fmt.Errorf("write %s://[user:password@]host:port/?to=A,B", scheme)
		}
	case strings.HasSuffix(scheme, "+http") || strings.HasSuffix(scheme, "+https"):
		kind, _, _ := strings.Cut(scheme, "+")
		if kind != "webhook" && kind != "alertmanager" && kind != "generic" {
			return errors.New("there is no such route: write webhook+https:// or alertmanager+https://")
		}
		if u.Host == "" {
			return errors.New("the host is missing")
		}
	}
	return nil
}

func checkPattern(s string) error {
	if strings.TrimSpace(s) == "" {
		return errors.New("it is empty: write a name, or a pattern such as web-*")
	}
	if _, err := path.Match(s, ""); err != nil {
		return errors.New("not a pattern: a [ is not closed, or a \\ is last")
	}
	return nil
}

func checkKind(s string) error {
	if err := checkPattern(s); err != nil {
		return err
	}
	if isPattern(s) || strings.HasPrefix(s, "signal:") {
		return nil
	}
	return oneOf(kinds()...)(s)
}

func checkZone(s string) error {
	if _, err := time.LoadLocation(s); err != nil || s == "" {
		return errors.New("there is no such time zone: write a name such as Europe/Berlin")
	}
	return nil
}

func kinds() []string {
	var all []string
	for _, k := range aweigh.IncidentKinds() {
		all = append(all, string(k))
	}
	return all
}

func occasions() []string {
	return []string{string(aweigh.OnOpened), string(aweigh.OnRaised), string(aweigh.OnReminder),
		string(aweigh.OnEscalated), string(aweigh.OnResolved), string(aweigh.OnReady), string(aweigh.OnWatching), string(aweigh.OnDeploying)}
}

func code(words []string) string { return "`" + strings.Join(words, "`, `") + "`" }
