-- The agent's spool: what it still owes, what it delivered and can still give, and its own history.
-- proto/README.md tells why each part is there. `seal` is a CRC-32C over the other columns
-- (spool_rows.h): SQLite does not notice a bit that flipped in a value.

-- spool_id, store_id, public_key, generation, time_ns (coordinator's), accepted, shed, age_ms,
-- sampling, …
CREATE TABLE fact (key TEXT PRIMARY KEY, value BLOB, seal INTEGER NOT NULL) WITHOUT ROWID;

-- Every incarnation this spool (and spools salvaged into it) ever had, oldest first.
CREATE TABLE incarnation (
  no INTEGER PRIMARY KEY AUTOINCREMENT,
  spool BLOB NOT NULL,
  value INTEGER NOT NULL,
  parent_no INTEGER,                      -- NULL: the first of all
  ordinal INTEGER NOT NULL DEFAULT 0,     -- 0: the coordinator has not told yet
  lease INTEGER NOT NULL,                 -- seqs up to here may have been handed out
  highest INTEGER NOT NULL DEFAULT 0,     -- seqs up to here were on disk
  seal INTEGER NOT NULL,
  UNIQUE (spool, value)
);

CREATE TABLE record (
  no INTEGER PRIMARY KEY AUTOINCREMENT,   -- order of acceptance on disk
  incarnation_no INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  state INTEGER NOT NULL CHECK (state IN (1, 2)),  -- 1 held, 2 kept (delivered)
  class INTEGER NOT NULL,                 -- spool_record.h, RecordClass
  kind INTEGER NOT NULL,                  -- wire::RecordKind
  readings INTEGER NOT NULL,
  bytes INTEGER NOT NULL,                 -- of `body`
  first_time INTEGER NOT NULL,            -- ns, span of the readings
  last_time INTEGER NOT NULL,
  age_ms INTEGER NOT NULL,                -- the spool's age when it was accepted
  series_set BLOB NOT NULL,               -- 16 bytes; zeros: none
  hash BLOB NOT NULL,                     -- of `body`
  seal INTEGER NOT NULL,                  -- of all but no, state and body
  body BLOB NOT NULL                      -- encoded wire::Record
);
CREATE UNIQUE INDEX record_by_name ON record (incarnation_no, seq);
-- Covers everything that opening and saying hello need, so that no body is read for it.
CREATE INDEX record_by_state
  ON record (state, class, no, incarnation_no, seq, bytes, readings, age_ms);

-- Names that a held gap record covers: they count as held [hello-3].
CREATE TABLE gap_cover (
  record_no INTEGER NOT NULL,
  incarnation_no INTEGER NOT NULL,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  PRIMARY KEY (record_no, incarnation_no, first)
) WITHOUT ROWID;

-- Series sets that records on disk use.
CREATE TABLE definition (
  hash BLOB PRIMARY KEY,
  uses INTEGER NOT NULL,
  bytes BLOB NOT NULL
) WITHOUT ROWID;

-- Commands, written before they are acted on [cmd-2].
CREATE TABLE inbox (
  id INTEGER PRIMARY KEY,
  verb TEXT NOT NULL,
  arguments TEXT NOT NULL,
  state INTEGER NOT NULL,                 -- 1 taken, 2 answered (outcome record written)
  taken_ns INTEGER NOT NULL
);

-- Idempotency keys of producers, for a day of the spool's age.
CREATE TABLE idempotency (
  key BLOB PRIMARY KEY,
  lines INTEGER NOT NULL,
  age_ms INTEGER NOT NULL
) WITHOUT ROWID;
