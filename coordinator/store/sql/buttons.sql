-- Brought in from an export: no button means it.
ALTER TABLE experiment ADD COLUMN imported INTEGER NOT NULL DEFAULT 0;
-- A press gives way to one of no lower rank, as its reading does.
ALTER TABLE press ADD COLUMN ordinal INTEGER NOT NULL DEFAULT 0;
ALTER TABLE press ADD COLUMN seq INTEGER NOT NULL DEFAULT 0;
-- Those that wait for a clock, by boot.
CREATE INDEX press_waiting ON press (problem, boot) WHERE length(boot) > 0;
-- A button's presses before this time (ns, corrected) are not kept any more; what they recorded
-- stands.
CREATE TABLE press_floor (
  series_id INTEGER PRIMARY KEY,
  from_ns INTEGER NOT NULL
);
