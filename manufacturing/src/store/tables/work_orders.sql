-- Both follow from the records of the service and can be made anew. Times are microseconds since 1970.

-- The last word on each work order that the service keeps.
CREATE TABLE planned_order (
    tenant   TEXT NOT NULL,
    name     TEXT NOT NULL,
    plan     TEXT NOT NULL,     -- JSON: attributes, terms, lanes
    closed   TEXT,              -- why, where it is closed
    since    INTEGER NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX planned_order_position ON planned_order (position);

-- The last work order that each lane was told.
CREATE TABLE lane_order (
    tenant   TEXT NOT NULL,
    station  TEXT NOT NULL,
    lane     TEXT NOT NULL,
    name     TEXT,              -- NULL: the lane was told that it has none
    position INTEGER NOT NULL,
    PRIMARY KEY (tenant, station, lane)
) STRICT, WITHOUT ROWID;
