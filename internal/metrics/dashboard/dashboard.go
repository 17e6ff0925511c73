// Package dashboard writes the Grafana dashboard for the metrics of a watcher:
// packaging/grafana/dashboards/aweigh.json.
//
// A test compares the committed file; to write it anew:
//
//	go test ./internal/metrics/dashboard -update
//
// It uses the standard library only. (Grafana's own SDK is a hundred packages
// for the dozen fields that are needed here.) That each query gives something
// is tested against a real Prometheus, in test/metrics.
package dashboard

import "encoding/json"

type object = map[string]any

// JSON is the dashboard, indented, with a final line end.
func JSON() []byte {
	var all []object
	x, y, tall := 0, 0, 0
	next := func(w, h int) object {
		if x+w > columns {
			x, y, tall = 0, y+tall, 0
		}
		pos := object{"x": x, "y": y, "w": w, "h": h}
		x, tall = x+w, max(tall, h)
		return pos
	}
	for _, r := range rows {
		next(columns-x, 0) // to the end of the line
		all = append(all, object{"id": len(all) + 1, "type": "row", "title": r.title, "collapsed": false, "panels": []any{}, "gridPos": next(columns, 1)})
		for _, p := range r.panels {
			all = append(all, p.json(len(all)+1, next(p.width, p.height())))
		}
	}
	doc := object{
		"uid": "aweigh", "title": "Aweigh", "description": "Starts of services, what they did then, and what was promised of them.",
		"tags": []string{"aweigh"}, "timezone": "browser", "schemaVersion": 39, "version": 1, "editable": true, "refresh": "30s",
		"time": object{"from": "now-24h", "to": "now"}, "panels": all,
		"templating": object{"list": []object{
			{"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Prometheus", "hide": 0, "current": object{}},
			{"name": "service", "type": "query", "label": "Service", "datasource": source, "definition": "label_values(aweigh_service_up, service)",
				"query": object{"query": "label_values(aweigh_service_up, service)", "refId": "service"}, "refresh": 2, "sort": 1,
				"multi": true, "includeAll": true, "allValue": ".*", "current": object{"text": "All", "value": "$__all"}},
		}},
	}
	text, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		panic(err) // strings and maps only
	}
	return append(text, '\n')
}

// columns is how wide Grafana's grid is.
const columns = 24

// source is the one that the reader has chosen.
var source = object{"type": "prometheus", "uid": "${datasource}"}

// row is a headline and its panels, from left to right.
type row struct {
	title  string
	panels []panel
}

// panel is one picture.
type panel struct {
	kind    string // stat, timeseries, table, bargauge
	title   string
	doc     string
	unit    string
	width   int
	queries []query
	// red is from which value on it is bad; with less it is bad below. 0 is never.
	red  float64
	less bool
	bars bool
}

// query is a question in PromQL. legend names its series.
type query struct{ expr, legend string }

func (p panel) height() int {
	if p.kind == "stat" {
		return 4
	}
	return 8
}

func (p panel) json(id int, at object) object {
	var targets []object
	for n, q := range p.queries {
		targets = append(targets, object{"refId": string(rune('A' + n)), "datasource": source, "expr": q.expr, "legendFormat": q.legend,
			"instant": p.kind != "timeseries", "range": p.kind == "timeseries", "format": map[bool]string{true: "table", false: "time_series"}[p.kind == "table"]})
	}
	defaults := object{"unit": p.unit, "thresholds": p.thresholds()}
	if p.kind == "timeseries" {
		custom := object{"fillOpacity": 10, "showPoints": "auto", "spanNulls": false}
		if p.bars {
			custom = object{"drawStyle": "bars", "fillOpacity": 80, "lineWidth": 0, "stacking": object{"mode": "normal", "group": "A"}}
		}
		defaults["custom"], defaults["min"] = custom, 0
	}
	if p.unit == "percentunit" {
		defaults["min"], defaults["max"] = 0, 1
	}
	options := object{}
	switch p.kind {
	case "stat", "bargauge":
		options = object{"reduceOptions": object{"calcs": []string{"lastNotNull"}}, "colorMode": "value", "orientation": "horizontal", "displayMode": "basic"}
	case "timeseries":
		options = object{"legend": object{"displayMode": "list", "placement": "bottom"}, "tooltip": object{"mode": "multi", "sort": "desc"}}
	}
	return object{"id": id, "type": p.kind, "title": p.title, "description": p.doc, "datasource": source, "gridPos": at, "targets": targets,
		"fieldConfig": object{"defaults": defaults, "overrides": []any{}}, "options": options}
}

func (p panel) thresholds() object {
	steps := []object{{"color": "green", "value": nil}}
	switch {
	case p.red != 0 && p.less:
		steps = []object{{"color": "red", "value": nil}, {"color": "green", "value": p.red}}
	case p.red != 0:
		steps = append(steps, object{"color": "red", "value": p.red})
	}
	return object{"mode": "absolute", "steps": steps}
}
