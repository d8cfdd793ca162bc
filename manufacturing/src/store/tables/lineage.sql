-- How the series of a station follow each other; made anew from the lines.

-- Which records of a series are stored as records of another one, which name them as what they were first.
CREATE TABLE carried (
    tenant  TEXT NOT NULL,
    station TEXT NOT NULL,
    series  BLOB NOT NULL,
    first   INTEGER NOT NULL,
    last    INTEGER NOT NULL,
    PRIMARY KEY (tenant, station, series, first)
) STRICT, WITHOUT ROWID;

-- Which series names which one as the one before it, in its record 1.
CREATE TABLE successor (
    tenant      TEXT NOT NULL,
    station     TEXT NOT NULL,
    series      BLOB NOT NULL,
    before      BLOB,
    last_before INTEGER,
    why         TEXT,
    position    INTEGER NOT NULL, -- of record 1
    PRIMARY KEY (tenant, station, series)
) STRICT, WITHOUT ROWID;

-- The highest mark of SSCCs that a station ever named. It never sinks.
CREATE TABLE sscc_mark (
    tenant  TEXT NOT NULL,
    station TEXT NOT NULL,
    mark    INTEGER NOT NULL,
    PRIMARY KEY (tenant, station)
) STRICT, WITHOUT ROWID;

-- By which way of reading the projections were made; none where that was before there was this table.
CREATE TABLE projected (
    version INTEGER NOT NULL
) STRICT;

-- What synchronised records say of the clock of a boot, thinned: for each stretch of the counter four anchors, each as
-- microseconds since boot and since 1970, 64-bit little endian.
CREATE TABLE clock_anchor (
    tenant  TEXT NOT NULL,
    station TEXT NOT NULL,
    boot    TEXT NOT NULL,
    stretch INTEGER NOT NULL,
    anchors BLOB NOT NULL,
    PRIMARY KEY (tenant, station, boot, stretch)
) STRICT, WITHOUT ROWID;

-- The first and the last record of a boot in a series, with their microseconds since boot.
CREATE TABLE clock_span (
    tenant      TEXT NOT NULL,
    station     TEXT NOT NULL,
    series      BLOB NOT NULL,
    boot        TEXT NOT NULL,
    first       INTEGER NOT NULL,
    first_since INTEGER NOT NULL,
    last        INTEGER NOT NULL,
    last_since  INTEGER NOT NULL,
    PRIMARY KEY (tenant, station, series, boot)
) STRICT, WITHOUT ROWID;

-- Records whose clock was not synchronised: when they happened follows from other records, and may become known later.
CREATE TABLE clock_free (
    tenant   TEXT NOT NULL,
    station  TEXT NOT NULL,
    boot     TEXT NOT NULL,
    since    INTEGER NOT NULL,  -- microseconds since boot
    position INTEGER NOT NULL,
    series   BLOB NOT NULL,
    again    INTEGER NOT NULL,  -- it was written again in this series
    PRIMARY KEY (tenant, station, boot, since, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX clock_free_again ON clock_free (tenant, station, series) WHERE again <> 0;

-- Not before and not after, in microseconds since 1970, whatever clocks said.
ALTER TABLE member ADD COLUMN earliest INTEGER NOT NULL DEFAULT 0;
ALTER TABLE member ADD COLUMN latest INTEGER;
