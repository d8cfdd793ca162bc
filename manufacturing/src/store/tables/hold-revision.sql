-- What stations go by: higher with each change, also after a restore from a backup.
ALTER TABLE hold ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;
UPDATE hold SET revision = position;
