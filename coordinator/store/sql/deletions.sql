-- What was taken out of the readings, and why: a hole in them is explained by a row here.

CREATE TABLE deletion (
  no INTEGER PRIMARY KEY AUTOINCREMENT,
  gap_no INTEGER NOT NULL UNIQUE,            -- shows the hole in the list of gaps
  node_no INTEGER NOT NULL,
  state INTEGER NOT NULL,                    -- 1 chunks still hold some, 2 none does, 3 of a rule
  measurement TEXT NOT NULL,                 -- empty: any; of a rule: its pattern
  first_time INTEGER NOT NULL,               -- both included
  last_time INTEGER NOT NULL,
  pack_no_max INTEGER NOT NULL,              -- what lies in packs up to it was there before
  ordinal_max INTEGER NOT NULL,              -- ranks of other ordinals up to it were, too
  marks BLOB NOT NULL,                       -- ordinal and highest seq of each, 8 bytes, LE
  asked_ns INTEGER NOT NULL,
  reason TEXT NOT NULL,
  readings INTEGER NOT NULL DEFAULT 0,       -- taken out so far
  bytes INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX deletion_by_node ON deletion (node_no, last_time);
CREATE INDEX deletion_pending ON deletion (no) WHERE state = 1;
