-- Readings: series, the sets that records name, batches as they came, chunks per series.

CREATE TABLE series_set (
  no INTEGER PRIMARY KEY,
  hash BLOB NOT NULL UNIQUE,
  bytes BLOB NOT NULL                        -- wire::SeriesSet::encode
);

CREATE TABLE series (
  id INTEGER PRIMARY KEY AUTOINCREMENT,      -- never used again
  node_no INTEGER NOT NULL,
  key TEXT NOT NULL,                         -- wire::SeriesKey::text
  type INTEGER NOT NULL,                     -- wire::ValueType
  count INTEGER NOT NULL DEFAULT 0,          -- of the readings in chunks
  first_time INTEGER NOT NULL DEFAULT 0,
  last_time INTEGER NOT NULL DEFAULT 0,
  UNIQUE (node_no, key)
);

CREATE TABLE node_set (
  node_no INTEGER NOT NULL,
  set_no INTEGER NOT NULL,
  ids BLOB NOT NULL,                         -- series ids in the set's order, 8 bytes each, LE
  PRIMARY KEY (node_no, set_no)
) WITHOUT ROWID;

-- Level 0: one row a record. The payload is last, so that the rest is read without it.
CREATE TABLE batch (
  no INTEGER PRIMARY KEY,
  node_no INTEGER NOT NULL,
  ordinal INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  set_no INTEGER NOT NULL,
  boot BLOB NOT NULL,                        -- empty: good times
  received_ns INTEGER NOT NULL,
  first_time INTEGER NOT NULL,
  last_time INTEGER NOT NULL,
  readings INTEGER NOT NULL,
  codec INTEGER NOT NULL,
  raw_size INTEGER NOT NULL,
  crc INTEGER NOT NULL,                      -- CRC-32C of the payload
  origin_ranks BLOB NOT NULL,                -- ordinal and seq of each origin, 8 bytes each, LE
  payload BLOB NOT NULL,
  UNIQUE (node_no, ordinal, seq)
);

-- Level 1: summaries of up to 4,096 readings of one series and boot. Those of one series and boot
-- never overlap in time.
CREATE TABLE chunk (
  series_id INTEGER NOT NULL,
  boot BLOB NOT NULL,
  last_time INTEGER NOT NULL,
  first_time INTEGER NOT NULL,
  count INTEGER NOT NULL,
  is_full INTEGER NOT NULL,                  -- a bound was reached: not merged with its neighbours
  pack_no INTEGER NOT NULL,
  time_size INTEGER NOT NULL,                -- times and ranks: the pack's first bytes
  offset INTEGER NOT NULL,                   -- of the values in the pack
  size INTEGER NOT NULL,
  first INTEGER NOT NULL,                    -- bits of the first and last value
  last INTEGER NOT NULL,
  min REAL,                                  -- NULL: no summary (strings, or NaN among them)
  max REAL,
  sum REAL,
  PRIMARY KEY (series_id, boot, last_time)
) WITHOUT ROWID;

CREATE INDEX chunk_by_pack ON chunk (pack_no);

-- Times and ranks once, then the values of each chunk that shares them.
CREATE TABLE pack (
  no INTEGER PRIMARY KEY AUTOINCREMENT,      -- never used again: readers keep packs by number
  made_for INTEGER NOT NULL,                 -- chunks that were put in
  users INTEGER NOT NULL,                    -- of them still there
  bytes BLOB NOT NULL
);

-- Set aside because their bytes are damaged; the newest of each are kept.
CREATE TABLE damaged_batch (
  no INTEGER PRIMARY KEY,
  node_no INTEGER NOT NULL,
  ordinal INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  set_no INTEGER NOT NULL,
  boot BLOB NOT NULL,
  received_ns INTEGER NOT NULL,
  readings INTEGER NOT NULL,
  why TEXT NOT NULL,
  payload BLOB NOT NULL
);
CREATE TABLE damaged_chunk (
  no INTEGER PRIMARY KEY,
  series_id INTEGER NOT NULL,
  boot BLOB NOT NULL,
  first_time INTEGER NOT NULL,
  last_time INTEGER NOT NULL,
  count INTEGER NOT NULL,
  why TEXT NOT NULL,
  times BLOB NOT NULL,
  readings BLOB NOT NULL
);
