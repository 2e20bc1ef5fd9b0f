-- What of each name is counted as lost, so that a loss that is told again, or grows, counts once.

-- Readings of each name of the range that the gap counts; NULL: not known.
ALTER TABLE gap_name ADD COLUMN each INTEGER;

-- Readings that the node itself lost of a quarantined name; NULL: it listed the name in no gap.
ALTER TABLE quarantine ADD COLUMN told INTEGER;

-- What the coordinator's own gaps count, by the name in which the readings were first accepted. One
-- row for each record that was given up, and one for each other record whose readings it carried.
CREATE TABLE given_up (
  incarnation_no INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  origin_no INTEGER NOT NULL,
  origin_seq INTEGER NOT NULL,
  gap_no INTEGER NOT NULL,
  readings INTEGER NOT NULL,
  told INTEGER NOT NULL,                     -- 1: the node said how many
  PRIMARY KEY (incarnation_no, seq, origin_no, origin_seq)
) WITHOUT ROWID;
CREATE INDEX given_up_by_origin ON given_up (origin_no, origin_seq);
