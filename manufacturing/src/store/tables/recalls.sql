-- All of it follows from the records of the service and can be made anew. Times are microseconds since 1970.

-- Recalls, open and closed.
CREATE TABLE recall (
    tenant    TEXT NOT NULL,
    name      TEXT NOT NULL,
    opened    TEXT NOT NULL,    -- JSON: what its record says
    opened_at INTEGER NOT NULL,
    closed    TEXT,             -- JSON: what the record says that closed it
    closed_at INTEGER,
    position  INTEGER NOT NULL,
    PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX recall_position ON recall (position);

-- What a recall keeps from being packed, and what it once kept.
CREATE TABLE recall_hold (
    tenant   TEXT NOT NULL,
    recall   TEXT NOT NULL,
    kind     TEXT NOT NULL,
    name     TEXT NOT NULL,
    held     INTEGER NOT NULL,
    since    INTEGER NOT NULL,
    reason   TEXT NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (tenant, recall, kind, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX recall_hold_name ON recall_hold (kind, name);

-- Timed mock recalls.
CREATE TABLE drill (
    position INTEGER PRIMARY KEY,
    tenant   TEXT NOT NULL,
    at       INTEGER NOT NULL,
    what     TEXT NOT NULL      -- JSON: what its record says
) STRICT;
