package signals

import (
	"strings"
	"testing"
	"time"
)

func TestPlaceholdersBecomeParametersOfTheDialect(t *testing.T) {
	for _, c := range []struct {
		d           dialect
		query, want string
		names       string
	}{
		{sqliteDialect, "SELECT 1 WHERE t >= :since AND t < :until", "SELECT 1 WHERE t >= ?1 AND t < ?2", "since until"},
		{sqliteDialect, "SELECT ':since', \":since\", `:since`, [:since]; -- :since", "SELECT ':since', \":since\", `:since`, [:since]  ", ""},
		{sqliteDialect, "SELECT 'it''s :since' /* :since */, :window_seconds", "SELECT 'it''s :since'  , ?1", "window_seconds"},
		{postgresDialect, "SELECT now()::text, 96.3::text, :since::date, a[1:n]", "SELECT now()::text, 96.3::text, $1::timestamptz::date, a[1:n]", "since"},
		{postgresDialect, "SELECT $$ :since $$, $x$ ' :until $x$, E'\\':since', :since_unix_ms", "SELECT $$ :since $$, $x$ ' :until $x$, E'\\':since', $1::bigint", "since_unix_ms"},
		{postgresDialect, "SELECT '\\', :since /* a /* b */ :until */", "SELECT '\\', $1::timestamptz  ", "since"},
		{mysqlDialect, "SELECT 'it\\'s :since', \"\\\":since\", :until # :since\n, :until", "SELECT 'it\\'s :since', \"\\\":since\", ?  , ?", "until until"},
		{mysqlDialect, "SELECT 5--1, @x := 3 /*! , sleep(9) */", "SELECT 5--1, @x := 3  ", ""},
		{postgresDialect, "(SELECT 1) UNION (SELECT 2)", "(SELECT 1) UNION (SELECT 2)", ""},
	} {
		sql, names, err := c.d.bind(c.query)
		if err != nil || sql != c.want || strings.Join(names, " ") != c.names {
			t.Errorf("%s: %s\n got %q %v %v\nwant %q %s", c.d.name, c.query, sql, names, err, c.want, c.names)
		}
	}
}

func TestTheWindowIsPutIntoURLsAndPromQL(t *testing.T) {
	w := window{until: time.Unix(1_000_000, 0).UTC(), length: 6 * time.Hour}
	got := w.fill("rate(x{a=\"b\"}[{window_seconds}s]) {since_unix} {nosuch} {since}", func(s string) string { return strings.ReplaceAll(s, ":", "%3A") })
	if want := "rate(x{a=\"b\"}[21600s]) 978400 {nosuch} 1970-01-12T07%3A46%3A40Z"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// What is bound must be as many parameters as placeholders, and no query may
// panic.
func FuzzPlaceholders(f *testing.F) {
	for _, q := range []string{"SELECT :since", "SELECT ':since", "SELECT $a$ :since $a$", "SELECT a[1:2], b::text", "SELECT /* /* */ :until", "SELECT \"a\\\":since\"", "--", "(", ";;", "SELECT $1$"} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, q string) {
		for _, d := range []dialect{sqliteDialect, postgresDialect, mysqlDialect} {
			sql, names, err := d.bind(q)
			if err == nil && strings.TrimSpace(sql) == "" {
				t.Errorf("%s: %q became nothing", d.name, q)
			}
			if len(names) > strings.Count(q, ":") {
				t.Errorf("%s: %q has %v", d.name, q, names)
			}
		}
	})
}
