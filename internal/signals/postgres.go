package signals

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// postgresDialect gives each parameter its type: of $1 - interval '1 day' the
// server would make two intervals.
var postgresDialect = dialect{
	name: "postgres",
	placeholder: func(n int, name string) string {
		if name == "since" || name == "until" {
			return fmt.Sprintf("$%d::timestamptz", n)
		}
		return fmt.Sprintf("$%d::bigint", n)
	},
	layout: "2006-01-02T15:04:05.999999Z07:00",
	dollar: true,
}

// openPostgres reads postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=…, as
// libpq has it, with what the environment (PGPASSWORD …) adds.
//
// It takes pgconn, the lower half of pgx: a row of numbers comes as text
// anyway, and the other half would be dead weight.
func openPostgres(s Signal, _ []string, hidden *secrets) (ask, error) {
	config, err := pgconn.ParseConfig(s.Source)
	var unread *url.Error // shows the URL, or a part of it
	if errors.As(err, &unread) || err == nil && strings.ContainsAny(config.Host+config.Database, "@#") || strings.Contains(s.Source, "#") {
		return nil, errNoURL
	}
	if err != nil {
		return nil, errors.New("PostgreSQL does not take it: " + reason(err))
	}
	hidden.add(config.Password)
	query, names, err := postgresDialect.bind(s.Query)
	if err != nil {
		return nil, err
	}
	// Set within the transaction, since poolers such as PgBouncer refuse settings
	// at the connection's start.
	begin := fmt.Sprintf("BEGIN READ ONLY; SET LOCAL statement_timeout = %d; SET LOCAL TimeZone = 'UTC'", s.Timeout.Milliseconds())
	where := fmt.Sprintf("postgres %s/%s", config.Host, config.Database)
	return func(ctx context.Context, w window) (answer, error) {
		a, err := askPostgres(ctx, config.Copy(), begin, query, w.values(names, postgresDialect.layout))
		if err != nil {
			return nil, fmt.Errorf("%s: %s", where, reason(err))
		}
		return a, nil
	}, nil
}

func askPostgres(ctx context.Context, config *pgconn.Config, begin, query string, args []any) (answer, error) {
	conn, err := pgconn.ConnectConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	defer func() {
		// A query that was given up is cancelled in the server, and its connection
		// closed, in the background. We wait for that, but not for a server that
		// does not answer at all.
		conn.Close(ctx)
		select {
		case <-conn.CleanupDone():
		case <-time.After(time.Second):
		}
	}()
	if err := conn.Exec(ctx, begin).Close(); err != nil {
		return nil, err
	}
	texts := make([][]byte, len(args))
	for i, arg := range args {
		texts[i] = fmt.Append(nil, arg)
	}
	rows := conn.ExecParams(ctx, query, texts, nil, nil, nil) // all as text
	var columns []string
	has := rows.NextRow()
	for _, f := range rows.FieldDescriptions() {
		columns = append(columns, f.Name)
	}
	if err := checkColumns(columns); err != nil {
		return nil, err
	}
	if !has {
		_, err := rows.Close()
		return nil, err
	}
	a := make(answer, len(columns))
	for i, value := range rows.Values() {
		if value == nil {
			a[columns[i]] = none("NULL")
		} else {
			a[columns[i]] = textCell(string(value))
		}
	}
	return a, nil // more rows, if there are any, are not waited for
}

// reason is the last of a chain of errors, which says what happened; pgconn's
// own text has the user and all addresses in several lines.
func reason(err error) string {
	var server *pgconn.PgError
	if errors.As(err, &server) {
		said := server.Message
		if server.Hint != "" {
			said += " (" + server.Hint + ")"
		}
		return said
	}
	for {
		next := errors.Unwrap(err)
		if joined, ok := err.(interface{ Unwrap() []error }); ok && len(joined.Unwrap()) > 0 {
			next = joined.Unwrap()[0]
		}
		// net.OpError knows the address: "dial tcp 127.0.0.1:5432: connect: connection refused".
		if _, ofNet := err.(net.Error); ofNet || next == nil {
			return err.Error()
		}
		err = next
	}
}
