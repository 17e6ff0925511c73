package main

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"time"

	_ "modernc.org/sqlite"
)

// store keeps strategies and trades.
type store struct{ db *sql.DB }

func openStore(ctx context.Context, path string) (*store, error) {
	dsn := "file:" + url.PathEscape(path) + "?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)&_pragma=synchronous(NORMAL)"
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, err
	}
	if err := db.PingContext(ctx); err != nil {
		db.Close()
		return nil, fmt.Errorf("database %s: %w", path, err)
	}
	return &store{db}, nil
}

func (s *store) Close() error { return s.db.Close() }

func (s *store) ping(ctx context.Context) error { return s.db.PingContext(ctx) }

func (s *store) migrate(ctx context.Context) error {
	_, err := s.db.ExecContext(ctx, `
		CREATE TABLE IF NOT EXISTS strategies (
			order_id TEXT PRIMARY KEY,
			strategy TEXT NOT NULL,
			received INTEGER NOT NULL -- Unix milliseconds
		);
		CREATE TABLE IF NOT EXISTS trades (
			id       INTEGER PRIMARY KEY,
			order_id TEXT NOT NULL,
			symbol   TEXT NOT NULL,
			size     REAL NOT NULL,
			price    REAL NOT NULL,
			received INTEGER NOT NULL
		);
		CREATE INDEX IF NOT EXISTS trades_received ON trades (received);`)
	return err
}

// strategy is the metadata of an order.
type strategy struct {
	OrderID  string `json:"order_id"`
	Strategy string `json:"strategy"`
}

func (s *store) addStrategy(ctx context.Context, st strategy, at time.Time) error {
	_, err := s.db.ExecContext(ctx, `INSERT INTO strategies (order_id, strategy, received) VALUES (?, ?, ?)
		ON CONFLICT (order_id) DO UPDATE SET strategy = excluded.strategy`, st.OrderID, st.Strategy, at.UnixMilli())
	return err
}

// trade is a fill of an order.
type trade struct {
	OrderID string  `json:"order_id"`
	Symbol  string  `json:"symbol"`
	Size    float64 `json:"size"`
	Price   float64 `json:"price"`
}

func (s *store) addTrade(ctx context.Context, t trade, at time.Time) error {
	_, err := s.db.ExecContext(ctx, `INSERT INTO trades (order_id, symbol, size, price, received) VALUES (?, ?, ?, ?, ?)`,
		t.OrderID, t.Symbol, t.Size, t.Price, at.UnixMilli())
	return err
}

// linkage is how many of a window's trades belong to a known strategy.
type linkage struct {
	Window  string   `json:"window"`
	Total   int64    `json:"total_trades"`
	Linked  int64    `json:"linked_trades"`
	Percent *float64 `json:"linkage_pct"` // null without trades: not 0, and not 100
}

func (s *store) linkage(ctx context.Context, since time.Time) (l linkage, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT count(*), count(s.order_id) FROM trades t
		LEFT JOIN strategies s ON s.order_id = t.order_id WHERE t.received >= ?`, since.UnixMilli()).Scan(&l.Total, &l.Linked)
	if err == nil && l.Total > 0 {
		p := 100 * float64(l.Linked) / float64(l.Total)
		l.Percent = &p
	}
	return l, err
}
