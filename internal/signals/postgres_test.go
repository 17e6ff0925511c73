package signals

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

var postgresServer server

// postgres is a cluster of its own, of the user postgres if we are root, for
// it refuses to be root.
func postgres(t *testing.T) (addr string) {
	t.Helper()
	bin := filepath.Dir(program(t, "/usr/lib/postgresql/*/bin/postgres"))
	return postgresServer.running(t, func(dir string, port int) (*exec.Cmd, error) {
		if err := os.WriteFile(dir+"/password", []byte("hunter2"), 0o644); err != nil {
			return nil, err
		}
		initdb, err := as("postgres", bin+"/initdb", "-D", dir+"/data", "--no-sync", "--auth=scram-sha-256", "--pwfile="+dir+"/password",
			"--username=postgres", "--encoding=UTF8", "--locale=C")
		if err != nil {
			return nil, err
		}
		if out, err := initdb.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("initdb: %w\n%s", err, out)
		}
		return as("postgres", bin+"/postgres", "-D", dir+"/data", "-c", "listen_addresses=127.0.0.1", "-c", fmt.Sprintf("port=%d", port),
			"-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "shared_buffers=1MB", "-c", "timezone=Asia/Tokyo")
	}, func(addr string) error {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		conn, err := pgconn.Connect(ctx, "postgres://postgres:hunter2@"+addr+"/postgres?sslmode=disable")
		if err != nil {
			return err
		}
		defer conn.Close(ctx)
		_, err = conn.Exec(ctx, `
			CREATE TABLE IF NOT EXISTS trades (id serial, linked boolean, price numeric(12,4), at timestamptz, local timestamp);
			TRUNCATE trades;
			INSERT INTO trades (linked, price, at, local) SELECT false, 0.1, now() - i * interval '1 hour', (now() - i * interval '1 hour') AT TIME ZONE 'UTC'
				FROM generate_series(0, 26) i`).ReadAll()
		return err
	})
}

func TestPostgreSQL(t *testing.T) {
	t.Parallel()
	addr := postgres(t)
	ask := func(query, rule string) Reading {
		t.Helper()
		return reading(t, func(s *Signal) {
			s.Source, s.Query, s.Rule = "postgres://postgres:hunter2@"+addr+"/postgres?sslmode=disable", query, rule
			s.Window = 6*time.Hour + 30*time.Minute
		})
	}
	for _, c := range []struct {
		query, rule string
		state       State
		why         string
	}{
		{"SELECT count(*) AS total, count(*) FILTER (WHERE linked) AS linkage FROM trades WHERE at >= :since AND at <= :until", "linkage == 0 && total > 5", Breached, "linkage is 0, total is 7 (rule: linkage == 0 && total > 5)"},
		// The server's time zone is another; timestamps without one are UTC.
		{"SELECT count(*) AS total FROM trades WHERE local >= :since", "total == 7", Breached, "total is 7"},
		{"SELECT count(*) AS total FROM trades WHERE at >= :since - interval '1 hour'", "total == 8", Breached, "total is 8"},
		{"SELECT count(*) AS total FROM trades WHERE extract(epoch FROM at) >= :since_unix AND at > to_timestamp(:since_unix_ms / 1000.0)", "total == 7", Breached, "total is 7"},
		{"SELECT :window_seconds AS w, make_interval(secs => :window_seconds) < interval '7 hours' AS b", "w == 23400 && b == 1", Breached, "w is 23400, b is 1"},
		{"SELECT sum(price) AS p, sum(price)::float8 AS f, 96.30::text AS s, true AS b, 7::smallint AS i, '12345678901234567890'::numeric AS n FROM trades", "p + f + s + b + i < n", Breached, "p is 2.7, f is 2.7, s is 96.3, b is 1, i is 7, n is 1.23457e+19"},
		{"SELECT avg(price) AS p FROM trades WHERE at > :until", "p < 1", Missing, "p is NULL"},
		{"SELECT price AS p FROM trades WHERE at > :until", "p < 1", Missing, "the query gave no row"},
		{"SELECT 'NaN'::float8 AS p", "p < 1", Missing, "p is NaN"},
		{"SELECT now() AS p", "p < 1", Broken, "p is no number but"},
		{"SELECT 1 AS p, 2 AS p", "p < 1", Broken, "two columns named p"},
		{"SELECT nosuch FROM trades", "p < 1", Broken, `postgres 127.0.0.1/postgres: column "nosuch" does not exist`},
		{"SELECT 1 AS p, generate_series(1, 100000000)", "p == 1", Breached, "p is 1"},
		{"WITH x AS (DELETE FROM trades RETURNING 1) SELECT count(*) AS p FROM x", "p < 1", Broken, "in a read-only transaction"},
		{"SELECT nextval('trades_id_seq') AS p", "p < 1", Broken, "cannot execute nextval() in a read-only transaction"},
	} {
		says(t, ask(c.query, c.rule), c.state, c.why)
	}
	r := reading(t, func(s *Signal) {
		s.Source, s.Query, s.Timeout = "postgres://postgres:hunter2@"+addr+"/postgres?sslmode=disable", "SELECT pg_sleep(20), 1 AS linkage", 300*time.Millisecond
	})
	if r.State != Broken || !strings.Contains(r.Why, "no answer within 300ms") && !strings.Contains(r.Why, "statement timeout") {
		t.Errorf("%+v", r)
	}
	// What was given up must not go on in the server.
	idle := "SELECT count(*) AS n FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()"
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		r := ask(idle, "n > 0")
		if r.State == OK {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("it goes on: %+v", r)
		}
	}
	r = reading(t, func(s *Signal) { s.Source = "postgres://postgres:wrong@" + addr + "/postgres?sslmode=disable" })
	says(t, r, Broken, `password authentication failed for user "postgres"`)
	r = reading(t, func(s *Signal) { s.Source = "postgres://postgres:hunter2@" + addr + "/nosuch?sslmode=disable" })
	says(t, r, Broken, `database "nosuch" does not exist`)
	r = reading(t, func(s *Signal) { s.Source = "postgres://postgres:hunter2@" + addr + "/postgres?sslmode=require" })
	says(t, r, Broken, "TLS")
}
