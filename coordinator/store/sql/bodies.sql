-- Bodies that are not whole yet, or wait to become a file. Of each node its own: what another node
-- says of a hash must not spoil them.
CREATE TABLE body (
  no INTEGER PRIMARY KEY AUTOINCREMENT,
  node_no INTEGER NOT NULL,
  hash BLOB NOT NULL,                        -- SHA-256, 32 bytes
  size INTEGER NOT NULL,
  type TEXT NOT NULL,
  fragments INTEGER NOT NULL,                -- that are here
  whole INTEGER NOT NULL,                    -- 1: all of them are
  changed_ns INTEGER NOT NULL,               -- when the last one came
  UNIQUE (node_no, hash, size)
);
CREATE INDEX body_by_age ON body (whole, changed_ns);
CREATE INDEX body_by_hash ON body (hash);
CREATE TABLE fragment (
  body_no INTEGER NOT NULL,
  number INTEGER NOT NULL,                   -- offset / 96 KiB
  bytes BLOB NOT NULL,
  PRIMARY KEY (body_no, number)
);
-- Bodies whose fragments go, some at a time.
CREATE TABLE body_gone (body_no INTEGER PRIMARY KEY);
-- Bodies that are files: blobs/ab/<sha256 in hex>.
CREATE TABLE blob (
  hash BLOB PRIMARY KEY,
  size INTEGER NOT NULL,
  type TEXT NOT NULL,
  stored_ns INTEGER NOT NULL,
  missing INTEGER NOT NULL DEFAULT 0         -- 1: a start did not find the file
) WITHOUT ROWID;
ALTER TABLE gap ADD COLUMN fragments INTEGER NOT NULL DEFAULT 0;
