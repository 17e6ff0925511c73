package signals

import (
	"database/sql"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"
)

var mysqlServer server

// mariadb is a server of its own, of the user mysql if we are root.
func mariadb(t *testing.T) (addr string) {
	t.Helper()
	binary := program(t, "/usr/sbin/mariadbd", "/usr/sbin/mysqld")
	return mysqlServer.running(t, func(dir string, port int) (*exec.Cmd, error) {
		install, err := as("mysql", "mariadb-install-db", "--no-defaults", "--datadir="+dir+"/data", "--auth-root-authentication-method=normal", "--skip-test-db")
		if err != nil {
			return nil, err
		}
		if out, err := install.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("mariadb-install-db: %w\n%s", err, out)
		}
		return as("mysql", binary, "--no-defaults", "--datadir="+dir+"/data", "--bind-address=127.0.0.1", fmt.Sprintf("--port=%d", port),
			"--socket="+dir+"/sock", "--pid-file="+dir+"/pid", "--default-time-zone=+09:00", "--innodb-flush-log-at-trx-commit=0")
	}, func(addr string) error {
		db, err := sql.Open("mysql", "root@tcp("+addr+")/?multiStatements=true")
		if err != nil {
			return err
		}
		defer db.Close()
		_, err = db.Exec(`
			CREATE DATABASE IF NOT EXISTS shop; USE shop;
			CREATE OR REPLACE USER reader IDENTIFIED BY 'hunter2'; GRANT ALL ON shop.* TO reader;
			CREATE OR REPLACE TABLE trades (linked bit(1), price decimal(12,4), at timestamp NULL, utc datetime);
			INSERT INTO trades SELECT b'0', 0.1, now() - INTERVAL seq HOUR, utc_timestamp() - INTERVAL seq HOUR FROM seq_0_to_26`)
		return err
	})
}

func TestMySQL(t *testing.T) {
	t.Parallel()
	addr := mariadb(t)
	source := "mysql://reader:hunter2@" + addr + "/shop"
	ask := func(query, rule string) Reading {
		t.Helper()
		return reading(t, func(s *Signal) {
			s.Source, s.Query, s.Rule = source, query, rule
			s.Window = 6*time.Hour + 30*time.Minute
		})
	}
	for _, c := range []struct {
		query, rule string
		state       State
		why         string
	}{
		{"SELECT count(*) AS total, sum(linked) AS linkage FROM trades WHERE at >= :since AND at <= :until", "linkage == 0 && total > 5", Breached, "linkage is 0, total is 7 (rule: linkage == 0 && total > 5)"},
		// The server's time zone is another; datetimes are UTC.
		{"SELECT count(*) AS total FROM trades WHERE utc >= :since", "total == 7", Breached, "total is 7"},
		{"SELECT count(*) AS total FROM trades WHERE at >= :since - INTERVAL 1 HOUR", "total == 8", Breached, "total is 8"},
		{"SELECT count(*) AS total FROM trades WHERE unix_timestamp(at) >= :since_unix AND at < now()", "total == 6 || total == 7", Breached, "total is"},
		{"SELECT :window_seconds AS w, timestampdiff(SECOND, :since, :until) AS d", "w == 23400 && d == w", Breached, "w is 23400, d is 23400"},
		{"SELECT sum(price) AS p, cast(0.1 AS float) AS f, '96.30' AS s, true AS b, b'1' AS bit, cast(18446744073709551615 AS unsigned) AS u FROM trades", "p + f + s + b + bit < u", Breached, "p is 2.7, f is 0.1, s is 96.3, b is 1, bit is 1, u is 1.84467e+19"},
		{"SELECT linked, 1 AS p FROM trades LIMIT 1", "linked == 0", Breached, "linked is 0"},
		{"SELECT avg(price) AS p FROM trades WHERE at > :until", "p < 1", Missing, "p is NULL"},
		{"SELECT price AS p FROM trades WHERE at > :until", "p < 1", Missing, "the query gave no row"},
		{"SELECT now() AS p", "p < 1", Broken, "p is no number but"},
		{"SELECT nosuch FROM trades", "p < 1", Broken, "mysql " + addr + "/shop: Error 1054 (42S22): Unknown column 'nosuch'"},
		{"SELECT 1 AS p FROM seq_1_to_100000000", "p == 1", Breached, "p is 1"},
		{"SELECT ';' AS t, 1 AS p -- :nosuch\n", "p == 1", Breached, "p is 1"},
		{"SELECT 1 AS p FROM trades INTO OUTFILE '/tmp/aweigh-no'", "p == 1", Broken, "Access denied"},
	} {
		says(t, ask(c.query, c.rule), c.state, c.why)
	}
	r := reading(t, func(s *Signal) {
		s.Source, s.Query, s.Timeout = source, "SELECT sleep(20), 1 AS linkage", 300*time.Millisecond
	})
	if r.State != Broken || !strings.Contains(r.Why, "no answer within 300ms") && !strings.Contains(r.Why, "max_statement_time") {
		t.Errorf("%+v", r)
	}
	// What was given up must not go on in the server.
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		r := ask("SELECT count(*) AS n FROM information_schema.processlist WHERE info LIKE '%sleep(20)%' AND id <> connection_id()", "n > 0")
		if r.State == OK {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("it goes on: %+v", r)
		}
	}
	says(t, reading(t, func(s *Signal) { s.Source = strings.Replace(source, "hunter2", "wrong", 1) }), Broken, "Access denied for user 'reader'")
	says(t, reading(t, func(s *Signal) { s.Source = source + "?tls=true" }), Broken, "TLS")
	says(t, reading(t, func(s *Signal) { s.Source = source + "?socket=/nonexistent" }), Broken, "no such file")
}
