-- What cannot all be true of a device, once for each station that has part in it, and once for no station. Made anew from
-- the lines.
CREATE TABLE contradiction (
    tenant  TEXT NOT NULL,
    station TEXT NOT NULL,
    serial  TEXT NOT NULL,
    scope   TEXT NOT NULL,
    n       INTEGER NOT NULL,
    code    TEXT NOT NULL,
    text    TEXT NOT NULL,
    since   INTEGER NOT NULL, -- microseconds since 1970
    PRIMARY KEY (tenant, station, serial, scope, n)
) STRICT, WITHOUT ROWID;
