-- The series that the service writes itself: what it decides is in their records alone.
CREATE TABLE own (
    series_id INTEGER PRIMARY KEY REFERENCES series (id)
) STRICT;

-- One-time tokens that wait for their station. The token itself, since what a station shows is a hash of it with its key:
-- this folder holds the service's key as well. Gone when it is used, or after 7 days.
CREATE TABLE token (
    tenant  TEXT NOT NULL,
    station TEXT NOT NULL,
    token   TEXT NOT NULL,
    made_at INTEGER NOT NULL, -- microseconds since 1970
    PRIMARY KEY (tenant, station, token)
) STRICT, WITHOUT ROWID;

-- Everything below follows from the records of the service and can be made anew. Times are microseconds since 1970.

-- Whose signature counts.
CREATE TABLE station_key (
    tenant     TEXT NOT NULL,
    station    TEXT NOT NULL,
    key        BLOB NOT NULL,
    how        TEXT NOT NULL,
    since      INTEGER NOT NULL,
    revoked_at INTEGER,
    reason     TEXT,
    PRIMARY KEY (tenant, station, key)
) STRICT, WITHOUT ROWID;

-- Stations that record nothing any more.
CREATE TABLE retired (
    tenant  TEXT NOT NULL,
    station TEXT NOT NULL,
    since   INTEGER NOT NULL,
    reason  TEXT NOT NULL,
    PRIMARY KEY (tenant, station)
) STRICT, WITHOUT ROWID;

-- Missing records that a person gave up.
CREATE TABLE write_off (
    position INTEGER PRIMARY KEY,
    tenant   TEXT NOT NULL,
    station  TEXT NOT NULL,
    series   BLOB NOT NULL,
    first    INTEGER NOT NULL,
    last     INTEGER,           -- NULL: whatever there was
    at       INTEGER NOT NULL,
    reason   TEXT NOT NULL
) STRICT;

-- The last word on each device and lot that was ever on hold.
CREATE TABLE hold (
    tenant   TEXT NOT NULL,
    kind     TEXT NOT NULL,
    name     TEXT NOT NULL,
    held     INTEGER NOT NULL,
    since    INTEGER NOT NULL,
    reason   TEXT NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (tenant, kind, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX hold_position ON hold (position);
