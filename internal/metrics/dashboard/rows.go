package dashboard

// rows are what the dashboard shows: the state of now first, its causes below.
var rows = []row{
	{"Now", []panel{
		{kind: "stat", title: "Services up", width: 4, queries: []query{{`sum(aweigh_service_up{service=~"$service"})`, ""}}},
		{kind: "stat", title: "Services down", width: 4, red: 1, doc: "They have an instance, and it is not proven ready.",
			queries: []query{{`count(aweigh_service_up{service=~"$service"} == 0 and aweigh_service_instances{service=~"$service"} > 0) or vector(0)`, ""}}},
		{kind: "stat", title: "Incidents open", width: 4, red: 1, queries: []query{{`sum(aweigh_incidents_open{service=~"$service"}) or vector(0)`, ""}}},
		{kind: "stat", title: "Critical, nobody on it", width: 4, red: 1,
			queries: []query{{`sum(aweigh_incidents_open{service=~"$service",severity="critical",acknowledged="false"}) or vector(0)`, ""}}},
		{kind: "stat", title: "Letters that wait", width: 4, red: 1, queries: []query{{`sum(aweigh_outbox_letters{state="pending"})`, ""}}},
		{kind: "stat", title: "Since the last fact", width: 4, unit: "s", doc: "A quiet host has none for hours. The watcher's own beat tells whether it is there.",
			queries: []query{{`time() - max(aweigh_last_fact_timestamp_seconds)`, ""}}},
		{kind: "table", title: "Open incidents", width: 24, queries: []query{{`sum by (service, project, kind, severity, acknowledged) (aweigh_incidents_open{service=~"$service"})`, ""}}},
	}},
	{"Starts", []panel{
		{kind: "timeseries", title: "Starts by verdict", width: 8, bars: true,
			queries: []query{{`sum by (verdict) (increase(aweigh_starts_total{service=~"$service"}[$__rate_interval]))`, "{{verdict}}"}}},
		{kind: "timeseries", title: "Time to ready, over 6 hours", width: 8, unit: "s", queries: []query{
			{`histogram_quantile(0.5, sum by (le) (increase(aweigh_start_ready_seconds_bucket{service=~"$service"}[6h])))`, "median"},
			{`histogram_quantile(0.99, sum by (le) (increase(aweigh_start_ready_seconds_bucket{service=~"$service"}[6h])))`, "99th percentile"}}},
		{kind: "timeseries", title: "Time to ready of the newest start", width: 8, unit: "s",
			queries: []query{{`aweigh_service_last_ready_seconds{service=~"$service"}`, "{{service}}"}}},
		{kind: "timeseries", title: "Unexpected restarts", width: 12, bars: true,
			queries: []query{{`sum by (service) (increase(aweigh_unexpected_restarts_total{service=~"$service"}[$__rate_interval]))`, "{{service}}"}}},
		{kind: "timeseries", title: "Failures in a row", width: 12, queries: []query{{`aweigh_service_failures_in_a_row{service=~"$service"}`, "{{service}}"}}},
	}},
	{"Health", []panel{
		{kind: "timeseries", title: "Failed probes of running services", width: 12, unit: "percentunit", queries: []query{
			{`sum by (service) (rate(aweigh_probes_total{service=~"$service",phase="run",result="failed"}[$__rate_interval])) / sum by (service) (rate(aweigh_probes_total{service=~"$service",phase="run"}[$__rate_interval]))`, "{{service}}"}}},
		{kind: "timeseries", title: "Duration of probes, 99th percentile", width: 12, unit: "s",
			queries: []query{{`histogram_quantile(0.99, sum by (service, le) (rate(aweigh_probe_duration_seconds_bucket{service=~"$service"}[$__rate_interval])))`, "{{service}}"}}},
	}},
	{"Does it work", []panel{
		{kind: "timeseries", title: "Signals", width: 12, queries: []query{{`aweigh_signal_value{service=~"$service"}`, "{{signal}} {{value}}"}}},
		{kind: "timeseries", title: "Signals that are bad", width: 6, queries: []query{{`aweigh_signal_state{service=~"$service",state=~"breached|broken"}`, "{{signal}} {{state}}"}}},
		{kind: "timeseries", title: "Time since the last output", width: 6, unit: "s",
			queries: []query{{`time() - aweigh_service_last_output_timestamp_seconds{service=~"$service"}`, "{{service}}"}}},
		{kind: "bargauge", title: "From deployment to the first good signal", width: 12, unit: "s",
			queries: []query{{`aweigh_deployment_first_signal_seconds{service=~"$service"}`, "{{service}}: {{signal}}"}}},
		{kind: "timeseries", title: "Silences and other incidents", width: 12, bars: true,
			queries: []query{{`sum by (kind) (increase(aweigh_incidents_total{service=~"$service"}[$__rate_interval]))`, "{{kind}}"}}},
	}},
	{"Objectives", []panel{
		{kind: "bargauge", title: "Error budget left", width: 12, unit: "percentunit", red: 0.25, less: true, queries: []query{{`aweigh_objective_budget_left`, "{{objective}}"}}},
		{kind: "bargauge", title: "Watched, of the window", width: 12, unit: "percentunit", doc: "The rest is unknown.", queries: []query{{`aweigh_objective_known`, "{{objective}}"}}},
		{kind: "timeseries", title: "Attainment", width: 12, unit: "percentunit", queries: []query{{`aweigh_objective_attainment`, "{{objective}}"}}},
		{kind: "timeseries", title: "Broken", width: 12, queries: []query{{`aweigh_objective_broken`, "{{objective}}"}}},
	}},
	{"Notifications and the watcher", []panel{
		{kind: "timeseries", title: "Notifications", width: 8, bars: true,
			queries: []query{{`sum by (route, result) (increase(aweigh_notifications_total[$__rate_interval]))`, "{{route}} {{result}}"}}},
		{kind: "timeseries", title: "Outbox", width: 8, queries: []query{{`aweigh_outbox_letters`, "{{route}} {{state}}"}}},
		{kind: "timeseries", title: "Facts", width: 8, queries: []query{{`sum by (kind) (rate(aweigh_facts_total[$__rate_interval]))`, "{{kind}}"}}},
		{kind: "timeseries", title: "Processor", width: 8, unit: "percentunit",
			queries: []query{{`rate(process_cpu_seconds_total[$__rate_interval]) * on (instance, job) group_left (version) aweigh_build_info`, "{{instance}} {{version}}"}}},
		{kind: "timeseries", title: "Memory", width: 8, unit: "bytes", queries: []query{{`process_resident_memory_bytes * on (instance, job) aweigh_build_info`, "{{instance}}"}}},
		{kind: "timeseries", title: "Store", width: 8, unit: "bytes", queries: []query{{`aweigh_store_bytes`, "{{instance}}"}}},
	}},
}
