-- Stored lines of stations of which this program cannot read all that decides where something is. They follow from the lines
-- and are looked for anew by a program that reads more.
CREATE TABLE unread (
    series_id INTEGER NOT NULL REFERENCES series (id),
    seq       INTEGER NOT NULL,
    position  INTEGER NOT NULL,
    what      TEXT NOT NULL,    -- the fields that cannot be read
    PRIMARY KEY (series_id, seq)
) STRICT, WITHOUT ROWID;

-- Keys that signed something in the name of a station and that nobody has enrolled: what they signed is refused. It follows
-- from no line. Bounded: whoever makes up keys must not fill the store.
CREATE TABLE stranger (
    tenant  TEXT NOT NULL,
    station TEXT NOT NULL,
    key     BLOB NOT NULL,
    since   INTEGER NOT NULL,   -- microseconds since 1970
    count   INTEGER NOT NULL,   -- of messages
    PRIMARY KEY (tenant, station, key)
) STRICT, WITHOUT ROWID;
