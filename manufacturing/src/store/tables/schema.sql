-- Identities. `tenant` is part of every key; there is one tenant, the empty text.
CREATE TABLE series (
    id      INTEGER PRIMARY KEY,
    tenant  TEXT NOT NULL,
    station TEXT NOT NULL,
    series  BLOB NOT NULL,
    key     BLOB NOT NULL,      -- the first key seen for the series holds for all of it
    UNIQUE (tenant, station, series)
) STRICT;

-- Every line, byte for byte, in the order in which it was stored.
CREATE TABLE record (
    position  INTEGER PRIMARY KEY,
    series_id INTEGER NOT NULL REFERENCES series (id),
    seq       INTEGER NOT NULL,
    hash      BLOB NOT NULL,
    line      BLOB NOT NULL,
    stored_at INTEGER NOT NULL, -- microseconds since 1970, by the service's clock
    UNIQUE (series_id, seq)
) STRICT;

-- The signed envelopes under which the lines came.
CREATE TABLE segment (
    series_id INTEGER NOT NULL REFERENCES series (id),
    first     INTEGER NOT NULL,
    last      INTEGER NOT NULL,
    v         INTEGER NOT NULL,
    prev      BLOB NOT NULL,
    head      BLOB NOT NULL,
    sig       BLOB NOT NULL,
    position  INTEGER NOT NULL, -- of the first line that it brought
    PRIMARY KEY (series_id, first, last)
) STRICT, WITHOUT ROWID;

-- The same identity with other bytes, kept apart.
CREATE TABLE conflict (
    id        INTEGER PRIMARY KEY,
    series_id INTEGER NOT NULL REFERENCES series (id),
    seq       INTEGER NOT NULL,
    hash      BLOB NOT NULL,
    line      BLOB NOT NULL,
    stored_at INTEGER NOT NULL,
    UNIQUE (series_id, seq, hash)
) STRICT;

-- Signed lines that cannot be read: named holes.
CREATE TABLE rejection (
    series_id INTEGER NOT NULL REFERENCES series (id),
    seq       INTEGER NOT NULL,
    reason    TEXT NOT NULL,
    stored_at INTEGER NOT NULL,
    PRIMARY KEY (series_id, seq)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER record_stays BEFORE UPDATE ON record BEGIN SELECT RAISE(ABORT, 'a stored record never changes'); END;
CREATE TRIGGER record_remains BEFORE DELETE ON record BEGIN SELECT RAISE(ABORT, 'a stored record is never removed'); END;
CREATE TRIGGER segment_stays BEFORE UPDATE ON segment BEGIN SELECT RAISE(ABORT, 'a stored segment never changes'); END;
CREATE TRIGGER segment_remains BEFORE DELETE ON segment BEGIN SELECT RAISE(ABORT, 'a stored segment is never removed'); END;
CREATE TRIGGER conflict_stays BEFORE UPDATE ON conflict BEGIN SELECT RAISE(ABORT, 'a stored conflict never changes'); END;
CREATE TRIGGER conflict_remains BEFORE DELETE ON conflict BEGIN SELECT RAISE(ABORT, 'a stored conflict is never removed'); END;

-- What is stored of a series without holes: one row where nothing is missing.
CREATE TABLE run (
    series_id INTEGER NOT NULL REFERENCES series (id),
    first     INTEGER NOT NULL,
    last      INTEGER NOT NULL,
    PRIMARY KEY (series_id, first)
) STRICT, WITHOUT ROWID;

-- Everything below follows from the lines and can be made anew.
CREATE TABLE subject (
    id     INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    kind   TEXT NOT NULL,
    name   TEXT NOT NULL,
    scope  TEXT NOT NULL,
    UNIQUE (tenant, kind, name, scope)
) STRICT;

-- Which records are about a subject.
CREATE TABLE about (
    subject  INTEGER NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (subject, position)
) STRICT, WITHOUT ROWID;

-- What was ever said to be inside what. The way up is in the lines of the child.
CREATE TABLE inside (
    parent INTEGER NOT NULL,
    child  INTEGER NOT NULL,
    PRIMARY KEY (parent, child)
) STRICT, WITHOUT ROWID;

CREATE TABLE device (
    subject INTEGER PRIMARY KEY,
    connhex TEXT,
    view    TEXT NOT NULL
) STRICT;
CREATE INDEX device_connhex ON device (connhex) WHERE connhex IS NOT NULL;

-- Who was ever in a group; a recall reads one stretch of this key.
CREATE TABLE member (
    tenant    TEXT NOT NULL,
    dimension TEXT NOT NULL,
    value     TEXT NOT NULL,
    serial    TEXT NOT NULL,
    scope     TEXT NOT NULL,
    n         INTEGER NOT NULL,
    since     INTEGER NOT NULL, -- microseconds since 1970
    until     INTEGER,
    corrected INTEGER NOT NULL,
    contested INTEGER NOT NULL, -- more than one place: see the device
    package   TEXT,             -- where the device is now
    pallet    TEXT,
    PRIMARY KEY (tenant, dimension, value, serial, scope, n)
) STRICT, WITHOUT ROWID;

-- How many devices are in a state or container now.
CREATE TABLE tally (
    tenant    TEXT NOT NULL,
    dimension TEXT NOT NULL,
    value     TEXT NOT NULL,
    devices   INTEGER NOT NULL,
    PRIMARY KEY (tenant, dimension, value)
) STRICT, WITHOUT ROWID;

-- What stations say of themselves.
CREATE TABLE station (
    tenant    TEXT NOT NULL,
    name      TEXT NOT NULL,
    online    INTEGER NOT NULL,
    heard_at  INTEGER NOT NULL,
    PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE status (
    tenant   TEXT NOT NULL,
    station  TEXT NOT NULL,
    series   BLOB NOT NULL,
    key      BLOB NOT NULL,     -- who signed it
    body     TEXT NOT NULL,
    heard_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, station, series)
) STRICT, WITHOUT ROWID;
