-- What is attached to entries of logbooks: bodies, by their hash.
CREATE TABLE attachment (
  entry_no INTEGER NOT NULL,
  position INTEGER NOT NULL,                 -- their order, from 0
  hash BLOB NOT NULL,                        -- SHA-256
  size INTEGER NOT NULL,
  type TEXT NOT NULL,
  name TEXT NOT NULL,                        -- of the file that it was; empty: none
  PRIMARY KEY (entry_no, position)
) WITHOUT ROWID;
