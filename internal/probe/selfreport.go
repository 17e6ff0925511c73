package probe

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// saysUnhealthy returns how a body that is a JSON object itself says that the
// service is not healthy, such as `body.status is "down"`; empty when it does
// not. Only the top level speaks for the service: what is below is about its
// parts, and which of them matter is the service's to decide. Words that are not
// known are healthy: a probe must not invent outages. The conventions:
//
//   - Spring Boot Actuator and MicroProfile Health: status UP, DOWN,
//     OUT_OF_SERVICE, UNKNOWN (which Spring itself answers with 200)
//   - draft-inadarei-api-health-check, 3.1: pass, warn, fail, with "ok" and "up",
//     "error" and "down" as synonyms for Terminus and Spring
//   - NestJS Terminus: ok, error, shutting_down
//   - ASP.NET Core: Healthy, Degraded (which is answered with 200), Unhealthy
//   - Docker: starting, healthy, unhealthy; Consul: passing, warning, critical
//   - Elasticsearch: green, yellow, red
//   - a status that is a number repeats that of HTTP, as in a gateway's answer
//   - {"healthy":false}, {"ok":false}; {"ready":false} where no status overrules
//     it, since a service may say of itself that it is up and not yet ready
//
// Names of fields count in any case: programs in Go and C# write "Status".
func saysUnhealthy(body []byte) string {
	if body = bytes.TrimSpace(body); len(body) == 0 || body[0] != '{' {
		return ""
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(body, &fields) != nil {
		return ""
	}
	status, hasStatus := field(fields, "status")
	if hasStatus && badStatus(status) {
		return fmt.Sprintf("body.status is %s", oneLine(string(status), maxQuote))
	}
	for _, name := range [...]string{"healthy", "ok", "ready"} {
		value, has := field(fields, name)
		if has && string(value) == "false" && (name != "ready" || !hasStatus) {
			return "body." + name + " is false"
		}
	}
	return ""
}

// field finds a field by its name, else by its name in another case.
func field(fields map[string]json.RawMessage, name string) (json.RawMessage, bool) {
	if value, ok := fields[name]; ok {
		return value, true
	}
	for k, value := range fields {
		if strings.EqualFold(k, name) {
			return value, true
		}
	}
	return nil, false
}

func badStatus(raw json.RawMessage) bool {
	var value any
	if json.Unmarshal(raw, &value) != nil {
		return false
	}
	switch v := value.(type) {
	case float64:
		return v >= 400 && v < 600
	case bool:
		return !v
	case string:
		word := strings.NewReplacer("_", " ", "-", " ").Replace(strings.ToLower(strings.TrimSpace(v)))
		switch word {
		case "fail", "failed", "failing", "failure", "down", "unhealthy", "error", "errored", "critical", "fatal",
			"out of service", "outofservice", "ko", "nok", "not ok", "notok", "unavailable", "not available",
			"not serving", "not ready", "notready", "starting", "shutting down", "offline", "dead", "red":
			return true
		}
	}
	return false
}
