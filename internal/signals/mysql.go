package signals

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
)

var mysqlDialect = dialect{
	name:        "mysql",
	placeholder: func(int, string) string { return "?" },
	layout:      "2006-01-02 15:04:05.000000",
	backslash:   true,
	double:      true,
	hash:        true,
}

// openMySQL reads mysql://USER:PASSWORD@HOST:PORT/DATABASE?tls=…&socket=PATH,
// of MySQL and MariaDB.
func openMySQL(s Signal, _ []string, _ *secrets) (ask, error) {
	config, err := mysqlConfig(s)
	if err != nil {
		return nil, err
	}
	query, names, err := mysqlDialect.bind(s.Query)
	if err != nil {
		return nil, err
	}
	where := fmt.Sprintf("mysql %s/%s", config.Addr, config.DBName)
	return func(ctx context.Context, w window) (answer, error) {
		a, err := askMySQL(ctx, config.Clone(), s.Timeout, query, w.values(names, mysqlDialect.layout))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", where, err)
		}
		return a, nil
	}, nil
}

func mysqlConfig(s Signal) (*mysql.Config, error) {
	u, err := parseSource(s.Source)
	if err != nil {
		return nil, err
	}
	config := mysql.NewConfig()
	config.User = u.User.Username()
	config.Passwd, _ = u.User.Password()
	config.Net, config.Addr = "tcp", u.Host
	if u.Port() == "" {
		config.Addr = net.JoinHostPort(u.Hostname(), "3306")
	}
	config.DBName = strings.TrimPrefix(u.Path, "/")
	options, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, errors.New("the options after ? cannot be read")
	}
	for name := range options {
		switch value := options.Get(name); name {
		case "tls":
			if known := []string{"true", "false", "preferred", "skip-verify"}; !slices.Contains(known, value) {
				return nil, fmt.Errorf("tls=%s is none of %s", value, strings.Join(known, ", "))
			}
			config.TLSConfig = value
		case "socket":
			config.Net, config.Addr = "unix", value
		default:
			known := []string{"tls", "socket"}
			return nil, fmt.Errorf("there is no option %s for mysql: there are %s%s", name, strings.Join(known, ", "), didYouMean(name, known))
		}
	}
	// It would write to stderr by itself; what it says comes as an error too.
	config.Logger = &mysql.NopLogger{}
	// Texts of the session's time are UTC, as the parameters are.
	config.Params = map[string]string{"time_zone": "'+00:00'"}
	return config, nil
}

func askMySQL(ctx context.Context, config *mysql.Config, timeout time.Duration, query string, args []any) (answer, error) {
	ctx, giveUp := context.WithCancel(ctx)
	defer giveUp()
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(connector)
	defer db.Close()
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := limitMySQL(ctx, conn, timeout); err != nil {
		return nil, err
	}
	tx, err := conn.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	defer tx.Rollback()
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close() // after giveUp: else it would read a million rows to their end
	defer giveUp()
	return firstRow(rows)
}

// limitMySQL has the server give up a query by itself: that the client has
// gone it would notice only when it answers. MySQL and MariaDB have their own
// variable each, in milliseconds and in seconds.
func limitMySQL(ctx context.Context, conn *sql.Conn, timeout time.Duration) error {
	const unknownVariable = 1193
	_, err := conn.ExecContext(ctx, fmt.Sprintf("SET SESSION max_execution_time = %d", timeout.Milliseconds()))
	var server *mysql.MySQLError
	if errors.As(err, &server) && server.Number == unknownVariable {
		_, err = conn.ExecContext(ctx, fmt.Sprintf("SET SESSION max_statement_time = %f", timeout.Seconds()))
		if errors.As(err, &server) && server.Number == unknownVariable {
			return nil // an old server: then the connection's end must do
		}
	}
	return err
}
