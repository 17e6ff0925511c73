package notify

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/aweigh/aweigh"
)

// alertLasts is until when Alertmanager takes an incident for open if it hears
// no more. Without an end it would call it resolved after its resolve_timeout,
// five minutes by default, since it expects alerts to be repeated every minute.
const alertLasts = 30 * 24 * time.Hour

// alert is a postableAlert of Alertmanager's API v2.
type alert struct {
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	StartsAt    time.Time         `json:"startsAt"`
	EndsAt      time.Time         `json:"endsAt"`
}

// alertmanagerSender POSTs incidents as alerts; successes are none, and pass.
//
//	alertmanager+https://[user:password@]host:9093[/prefix]
func alertmanagerSender(u *url.URL) (*Sender, error) {
	target, err := httpTarget(u, "alertmanager+")
	if err != nil {
		return nil, err
	}
	target = target.JoinPath("api/v2/alerts")
	what := "Alertmanager at " + target.Host
	client := newHTTP()
	return &Sender{
		Send: func(ctx context.Context, m *Message) error {
			var alerts []alert
			for _, n := range m.Notifications {
				alerts = append(alerts, alertsOf(n, time.Now())...)
			}
			if len(alerts) == 0 {
				return nil
			}
			body, err := json.Marshal(alerts)
			if err != nil {
				return permanent("%s: %s", what, err)
			}
			return post(ctx, client, what, target, http.Header{}, body)
		},
		Close: client.CloseIdleConnections,
	}, nil
}

// alertsOf are the alert of a notification and, where its incident may have had
// other labels before, the ends of those: labels are what Alertmanager knows an
// alert by, so that a raised incident is another alert to it. To end an alert
// that never was does nothing.
func alertsOf(n *aweigh.Notification, now time.Time) []alert {
	if n.Incident == nil {
		if n.Occasion != aweigh.OnTest {
			return nil
		}
		a := alert{
			Labels:      labels("AweighTest", n.Host, "", "test", aweigh.Info, n.ID),
			Annotations: annotations(n),
			StartsAt:    n.At.UTC(), EndsAt: now.Add(5 * time.Minute).UTC(),
		}
		return []alert{a}
	}
	i := n.Incident
	current := alert{
		Labels:      labels(alertName(i.Kind), i.Host, i.Service, string(i.Kind), i.Severity, i.ID),
		Annotations: annotations(n),
		StartsAt:    i.Opened.UTC(), EndsAt: now.Add(alertLasts).UTC(),
	}
	switch {
	case n.Occasion == aweigh.OnResolved && !i.Open():
		current.EndsAt = i.Resolved.UTC()
	case !i.Open(): // opened and over in one message: it must fire, or nobody hears of it
		current.EndsAt = now.Add(5 * time.Minute).UTC()
	}
	alerts := []alert{current}
	if n.Occasion != aweigh.OnRaised && n.Occasion != aweigh.OnResolved {
		return alerts
	}
	kinds := []aweigh.IncidentKind{i.Kind}
	if !strings.HasPrefix(string(i.Kind), string(aweigh.SignalKind(""))) {
		kinds = aweigh.IncidentKinds()
	}
	for _, kind := range kinds {
		for _, severity := range []aweigh.Severity{aweigh.Critical, aweigh.Warning, aweigh.Info} {
			if kind != i.Kind || severity != i.Severity {
				alerts = append(alerts, alert{
					Labels:      labels(alertName(kind), i.Host, i.Service, string(kind), severity, i.ID),
					Annotations: current.Annotations,
					StartsAt:    i.Opened.UTC(), EndsAt: n.At.UTC(),
				})
			}
		}
	}
	return alerts
}

// labels are an alert's identity. Empty ones are left out: to Alertmanager that
// is the same. The incident keeps two troubles of one service apart.
func labels(name, host, service, kind string, severity aweigh.Severity, incident string) map[string]string {
	all := map[string]string{
		"alertname": name, "host": oneLine(host), "service": oneLine(service), "kind": oneLine(kind),
		"severity": string(severity), "incident": incident,
	}
	for key, value := range all {
		if value == "" {
			delete(all, key)
		}
	}
	return all
}

// alertName is the kind as Prometheus' users name alerts: AweighCrashLoop.
func alertName(kind aweigh.IncidentKind) string {
	name := "Aweigh"
	for word := range strings.FieldsFuncSeq(string(kind), func(r rune) bool { return r == '-' || r == ':' || r == '_' || r == ' ' }) {
		r, size := utf8.DecodeRuneInString(word)
		name += string(unicode.ToUpper(r)) + word[size:]
	}
	return name
}

func annotations(n *aweigh.Notification) map[string]string {
	v := look(n)
	all := map[string]string{"summary": v.Title, "description": v.text(), "action": v.Advice, "command": v.Command}
	for key, value := range all {
		if value == "" {
			delete(all, key)
		}
	}
	return all
}
