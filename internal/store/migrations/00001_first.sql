-- +goose Up

-- What was observed, in the order in which it was folded.
CREATE TABLE facts (
    seq      INTEGER PRIMARY KEY AUTOINCREMENT,
    at       INTEGER NOT NULL, -- nanoseconds since 1970
    kind     TEXT    NOT NULL,
    instance TEXT    NOT NULL,
    fact     TEXT    NOT NULL  -- JSON
);
CREATE INDEX facts_at ON facts (at);

-- The fold's state, by its keys.
CREATE TABLE state (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE starts (
    id      TEXT PRIMARY KEY,
    service TEXT    NOT NULL,
    project TEXT    NOT NULL,
    began   INTEGER NOT NULL,
    failed  INTEGER NOT NULL, -- it failed, or crashed after it was ready
    start   TEXT    NOT NULL
) WITHOUT ROWID;
CREATE INDEX starts_service ON starts (service, id);

CREATE TABLE incidents (
    id       TEXT PRIMARY KEY,
    service  TEXT    NOT NULL,
    kind     TEXT    NOT NULL,
    opened   INTEGER NOT NULL,
    resolved INTEGER, -- NULL while it is open
    incident TEXT    NOT NULL
) WITHOUT ROWID;
CREATE INDEX incidents_open ON incidents (resolved) WHERE resolved IS NULL;
CREATE INDEX incidents_service ON incidents (service, id);

-- Notifications on their way, one letter a route.
CREATE TABLE outbox (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    route        TEXT    NOT NULL,
    notification TEXT    NOT NULL, -- its id
    note         TEXT    NOT NULL, -- JSON
    state        TEXT    NOT NULL DEFAULT 'pending', -- pending, sent, dead
    tries        INTEGER NOT NULL DEFAULT 0,
    failed_first INTEGER NOT NULL DEFAULT 0,
    next         INTEGER NOT NULL DEFAULT 0,
    why          TEXT    NOT NULL DEFAULT '',
    ended        INTEGER NOT NULL DEFAULT 0,
    UNIQUE (notification, route) -- told once, whatever is folded twice
);
CREATE INDEX outbox_pending ON outbox (route, id) WHERE state = 'pending';

-- Facts from people's commands, for the watcher to fold.
CREATE TABLE inbox (
    id   INTEGER PRIMARY KEY AUTOINCREMENT,
    fact TEXT NOT NULL
);

-- +goose Down
DROP TABLE inbox; DROP TABLE outbox; DROP TABLE incidents; DROP TABLE starts; DROP TABLE state; DROP TABLE facts;
