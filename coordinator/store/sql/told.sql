-- What a node still owed when it told what it had accepted: the two belong together.
ALTER TABLE node ADD COLUMN held INTEGER NOT NULL DEFAULT 0;  -- readings
-- Readings that it had shed by then while it owed records, of which some may tell of that loss.
ALTER TABLE node ADD COLUMN shed INTEGER NOT NULL DEFAULT 0;
