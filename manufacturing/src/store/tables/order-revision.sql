-- What lanes go by: higher with each change, also after a restore from a backup.
ALTER TABLE planned_order ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;
ALTER TABLE lane_order ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;
UPDATE planned_order SET revision = position;
UPDATE lane_order SET revision = position;
CREATE INDEX planned_order_revision ON planned_order (revision);
