-- Several instances of the service on one store.

-- Which of them writes a series; empty where there is one.
ALTER TABLE own ADD COLUMN instance TEXT NOT NULL DEFAULT '';

-- The key by which stations know the service, whichever instance speaks. One row, where several can share the store.
CREATE TABLE service_key (
    key BLOB PRIMARY KEY
) STRICT, WITHOUT ROWID;
