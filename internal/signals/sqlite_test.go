package signals

import (
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const linkageSQL = `SELECT count(*) AS total, 100.0 * count(s.order_id) / count(*) AS linkage
	FROM trades t LEFT JOIN strategies s ON s.order_id = t.order_id
	WHERE t.received >= :since_unix_ms AND t.received < :until_unix_ms`

// shop makes a database as the tradebot does, kept open by its writer.
func shop(t *testing.T, mode string) (path string, db *sql.DB) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "a b#c%3F.db")
	db, err := sql.Open("sqlite", "file:"+strings.NewReplacer("%", "%25", "#", "%23", "?", "%3F").Replace(path)+"?_pragma=journal_mode("+mode+")")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	do(t, db, `CREATE TABLE strategies (order_id TEXT PRIMARY KEY); CREATE TABLE trades (order_id TEXT, received INTEGER)`)
	return path, db
}

func do(t *testing.T, db *sql.DB, query string, args ...any) {
	t.Helper()
	if _, err := db.Exec(query, args...); err != nil {
		t.Fatal(err)
	}
}

func trade(t *testing.T, db *sql.DB, order string, ago time.Duration) {
	t.Helper()
	do(t, db, `INSERT INTO trades VALUES (?, ?)`, order, time.Now().Add(-ago).UnixMilli())
}

func askShop(t *testing.T, path string, missing MissingPolicy) Reading {
	t.Helper()
	return reading(t, func(s *Signal) {
		s.Source = "sqlite:" + strings.ReplaceAll(path, "%", "%25")
		s.Query, s.Rule, s.Window, s.Missing = linkageSQL, "linkage == 0 && total > 5", 6*time.Hour, missing
	})
}

func files(t *testing.T, path string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Dir(path) + "/*")
	if err != nil {
		t.Fatal(err)
	}
	for i := range found {
		found[i] = filepath.Base(found[i])
	}
	return strings.Join(found, " ")
}

func TestSQLiteIsReadWhileItsServiceWrites(t *testing.T) {
	for _, mode := range []string{"wal", "delete"} {
		t.Run(mode, func(t *testing.T) {
			path, db := shop(t, mode)
			trade(t, db, "old", 7*time.Hour) // outside of the window
			says(t, askShop(t, path, ""), Missing, "linkage is NULL (rule: linkage == 0 && total > 5)")
			says(t, askShop(t, path, MissingOK), OK, "linkage is NULL, which counts as ok")
			says(t, askShop(t, path, MissingAlert), Breached, "linkage is NULL, which counts as breached")
			for i := range 5 {
				trade(t, db, fmt.Sprint(i), time.Minute)
			}
			says(t, askShop(t, path, ""), OK, "linkage is 0, total is 5")
			trade(t, db, "6", time.Minute)
			before := files(t, path)
			r := askShop(t, path, "")
			says(t, r, Breached, "linkage is 0, total is 6 (rule: linkage == 0 && total > 5)")
			if r.Values["total"] != 6 || len(r.Values) != 2 {
				t.Errorf("%v", r.Values)
			}
			do(t, db, `INSERT INTO strategies VALUES ('6')`)
			says(t, askShop(t, path, ""), OK, "linkage is 16.6667, total is 6")
			if after := files(t, path); after != before {
				t.Errorf("files before %s, after %s", before, after)
			}
		})
	}
}

// Another process writes as fast as it can, in transactions of two rows: each
// reading must be of a moment between two of them.
func TestSQLiteIsReadWhileAnotherProcessWrites(t *testing.T) {
	sqlite3 := program(t, "/usr/bin/sqlite3")
	path := filepath.Join(t.TempDir(), "busy.db")
	script := ".timeout 5000\nPRAGMA journal_mode=wal; PRAGMA synchronous=off; CREATE TABLE n (x);\n" +
		strings.Repeat("BEGIN; INSERT INTO n VALUES (1); INSERT INTO n VALUES (1); COMMIT;\n", 10000)
	cmd := exec.CommandContext(t.Context(), sqlite3, "-bail", path)
	cmd.Stdin = strings.NewReader(script)
	said := &strings.Builder{}
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	c, err := Compile(linkage(func(s *Signal) {
		s.Source, s.Query, s.Rule = "sqlite://"+path, "SELECT count(*) AS n, count(*) & 1 AS odd FROM n", "odd == 1"
	}))
	if err != nil {
		t.Fatal(err)
	}
	meanwhile := 0
	for {
		select {
		case err := <-ended:
			if err != nil {
				t.Fatalf("the writer failed: %v: %s", err, said)
			}
			if meanwhile == 0 {
				t.Errorf("not one reading while it wrote")
			}
			if r := c.Evaluate(t.Context(), time.Now()); r.State != OK || r.Values["n"] != 20000 {
				t.Errorf("at the end: %+v", r)
			}
			return
		default:
		}
		r := c.Evaluate(t.Context(), time.Now())
		// Before the table is there the file may be empty, or in need of its log.
		if r.Values["n"] > 0 {
			meanwhile++
		} else if r.State == Broken && meanwhile > 0 && !strings.Contains(r.Why, "was copied") {
			t.Errorf("%+v", r)
		}
		if r.State == Breached {
			t.Errorf("half a transaction was read: %s", r.Why)
		}
	}
}

// A reader of a write-ahead log that comes when nobody has it open makes -wal
// and -shm itself, with mode=ro too, and leaves them.
func TestSQLiteThatNobodyHasOpenIsReadWithoutMakingFiles(t *testing.T) {
	path, db := shop(t, "wal")
	for i := range 6 {
		trade(t, db, fmt.Sprint(i), time.Minute)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if got := files(t, path); got != filepath.Base(path) {
		t.Fatalf("there are %s", got)
	}
	says(t, askShop(t, path, ""), Breached, "linkage is 0, total is 6")
	if got := files(t, path); got != filepath.Base(path) {
		t.Errorf("then there are %s", got)
	}
}

func TestSQLiteIsNeverMadeNorWrittenTo(t *testing.T) {
	path, db := shop(t, "wal")
	for query, why := range map[string]string{
		"WITH x AS (SELECT 1) INSERT INTO trades SELECT 'x', 1": "readonly",
		"SELECT nosuch FROM trades":                             "no such column: nosuch",
		"SELECT 1 AS a, 2 AS a":                                 "two columns named a",
		"SELECT order_id AS linkage FROM trades":                `linkage is no number but "abc"`,
		"SELECT 1 AS linkag":                                    "did you mean linkag?",
	} {
		do(t, db, `DELETE FROM trades`)
		trade(t, db, "abc", 0)
		r := reading(t, func(s *Signal) { s.Source, s.Query = "sqlite:"+strings.ReplaceAll(path, "%", "%25"), query })
		says(t, r, Broken, why)
	}
	dir := t.TempDir()
	os.WriteFile(dir+"/empty.db", nil, 0o600)
	os.WriteFile(dir+"/text.db", []byte("this is no database at all"), 0o600)
	for name, why := range map[string]string{
		"none.db": "sqlite " + dir + "/none.db: no such file or directory", "empty.db": "is empty", "text.db": "not a database", ".": "is no regular file",
	} {
		says(t, reading(t, func(s *Signal) { s.Source, s.Dir = "sqlite:"+name, dir }), Broken, why)
	}
	if got := files(t, dir+"/x"); got != "empty.db text.db" {
		t.Errorf("there are %s", got)
	}
}

// A query that would take for ever, and a writer that never lets go.
func TestSQLiteDoesNotTakeLongerThanItsTimeout(t *testing.T) {
	path, db := shop(t, "delete")
	within := func(limit time.Duration, query, why string) {
		t.Helper()
		began := time.Now()
		r := reading(t, func(s *Signal) {
			s.Source, s.Query, s.Timeout = "sqlite:"+strings.ReplaceAll(path, "%", "%25"), query, limit
		})
		says(t, r, Broken, why)
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("took %s", took)
		}
	}
	within(200*time.Millisecond, "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c) SELECT count(*) AS linkage FROM c", "no answer within 200ms")
	db.SetMaxOpenConns(1)
	do(t, db, "BEGIN EXCLUSIVE")
	within(time.Second, "SELECT count(*) AS linkage FROM trades", "locked")
	do(t, db, "COMMIT")
}

func TestValuesOfSQL(t *testing.T) {
	r := reading(t, func(s *Signal) {
		path, _ := shop(t, "wal")
		s.Source = "sqlite:" + strings.ReplaceAll(path, "%", "%25")
		s.Query = `SELECT 27 AS i, 0.5 AS f, '96.30' AS s, TRUE AS b, NULL AS n, 'abc' AS t, x'00ff' AS x, 'NaN' AS nan, '0x10' AS hex, 1e999 AS inf,
			:window_seconds AS w, :until_unix - :since_unix AS d, unixepoch(:until) - unixepoch(:since) AS dt, :since < CURRENT_TIMESTAMP AS lt`
		s.Rule = "i + f + s + b > w"
	})
	says(t, r, OK, "i is 27, f is 0.5, s is 96.3, b is 1, w is 3600")
	want := map[string]float64{"i": 27, "f": 0.5, "s": 96.3, "b": 1, "w": 3600, "d": 3600, "dt": 3600, "lt": 1}
	if fmt.Sprint(r.Values) != fmt.Sprint(want) {
		t.Errorf("%v\nwant %v", r.Values, want)
	}
}

func TestNoRowIsMissing(t *testing.T) {
	path, _ := shop(t, "wal")
	r := reading(t, func(s *Signal) {
		s.Source, s.Query = "sqlite:"+strings.ReplaceAll(path, "%", "%25"), "SELECT 1 AS linkage FROM trades"
	})
	says(t, r, Missing, "the query gave no row (rule: linkage == 0)")
}
