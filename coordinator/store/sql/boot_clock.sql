-- Of each boot the wall clock at its beginning (ns since 1970, modulo 2^64): as a node stamped by
-- it while nothing confirmed it, and as it proved to be later. NULL: not known.
CREATE TABLE boot_clock (
  boot BLOB PRIMARY KEY,
  stamped_ns INTEGER,
  good_ns INTEGER
) WITHOUT ROWID;
