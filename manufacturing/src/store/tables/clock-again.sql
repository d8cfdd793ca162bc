-- Records that were written again in a series: few, and asked for with every commit.
CREATE TABLE clock_again (
    tenant   TEXT NOT NULL,
    station  TEXT NOT NULL,
    series   BLOB NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (tenant, station, series, position)
) STRICT, WITHOUT ROWID;
INSERT INTO clock_again SELECT tenant, station, series, position FROM clock_free WHERE again <> 0;
DROP INDEX clock_free_again;
ALTER TABLE clock_free DROP COLUMN again;
