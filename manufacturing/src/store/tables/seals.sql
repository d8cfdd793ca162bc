-- What stations have sealed of work orders and lots; it follows from the lines. And what was counted of it.
CREATE TABLE seal (
    series_id INTEGER NOT NULL REFERENCES series (id),
    seq       INTEGER NOT NULL,
    kind      TEXT NOT NULL,
    name      TEXT NOT NULL,
    stored    INTEGER,          -- units of the station's share that are stored; NULL where that is counted when it is asked
    tried     INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (series_id, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX seal_name ON seal (kind, name);
CREATE INDEX seal_to_count ON seal (series_id, seq) WHERE tried = 0;
