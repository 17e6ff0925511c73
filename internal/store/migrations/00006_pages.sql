-- +goose Up

-- What a picture of many starts shows, without reading each start's JSON.
ALTER TABLE starts ADD COLUMN verdict TEXT GENERATED ALWAYS AS (coalesce(json_extract(start, '$.verdict'), '')) VIRTUAL;
ALTER TABLE starts ADD COLUMN took_ms INTEGER GENERATED ALWAYS AS (coalesce(json_extract(start, '$.took_ms'), -1)) VIRTUAL;
CREATE INDEX starts_bars ON starts (service, id, project, verdict, took_ms, failed);
DROP INDEX starts_service;

CREATE INDEX outbox_dead ON outbox (id) WHERE state = 'dead';

-- +goose Down
DROP INDEX outbox_dead;
CREATE INDEX starts_service ON starts (service, id);
DROP INDEX starts_bars;
ALTER TABLE starts DROP COLUMN took_ms;
ALTER TABLE starts DROP COLUMN verdict;
