-- What became of the device stands in its rows, so that a recall reads nothing else.
ALTER TABLE member ADD COLUMN state INTEGER NOT NULL DEFAULT 0;
-- There is more to tell of the device than its rows say: an identity in the cloud, a despatch of its own.
ALTER TABLE member ADD COLUMN more INTEGER NOT NULL DEFAULT 0;
