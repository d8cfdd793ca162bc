-- What schemas say, and which recall dimensions they make: both follow from the records of the service and can be made
-- anew.
CREATE TABLE json_schema (
    tenant   TEXT NOT NULL,
    name     TEXT NOT NULL,
    version  INTEGER NOT NULL,
    position INTEGER NOT NULL,
    since    INTEGER NOT NULL, -- microseconds since 1970
    document TEXT NOT NULL,
    PRIMARY KEY (tenant, name, version)
) STRICT, WITHOUT ROWID;
CREATE INDEX json_schema_position ON json_schema (position);

CREATE TABLE dimension (
    tenant   TEXT NOT NULL,
    name     TEXT NOT NULL,
    position INTEGER NOT NULL, -- of the schema that made it
    PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;

-- Dimensions that do not hold yet what was stored before them. Gone when they do.
CREATE TABLE backfill (
    tenant TEXT NOT NULL,
    name   TEXT NOT NULL,
    done   INTEGER NOT NULL, -- devices up to this number are in it
    upto   INTEGER NOT NULL, -- later ones were from the beginning
    PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;
