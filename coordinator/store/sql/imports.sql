-- Files that were brought in. A row is never removed once it is done: it is what makes the same
-- file a second time change nothing.
CREATE TABLE import (
  no INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  request TEXT NOT NULL,                     -- JSON, coordinator/imports/import_request.h
  state INTEGER NOT NULL,                    -- ImportState
  created_ns INTEGER NOT NULL,
  finished_ns INTEGER,
  ordinal INTEGER NOT NULL,                  -- of the incarnation that its readings belong to
  batches INTEGER NOT NULL DEFAULT 0,        -- names that were drawn of it
  -- What lies before this place is stored.
  file INTEGER NOT NULL DEFAULT 0,           -- of an archive
  row INTEGER NOT NULL DEFAULT 0,            -- of the file
  offset INTEGER NOT NULL DEFAULT 0,         -- bytes, of a file of lines
  readings INTEGER NOT NULL DEFAULT 0,
  rows_bad INTEGER NOT NULL DEFAULT 0,
  problems TEXT NOT NULL DEFAULT '[]',       -- the first of them, JSON list of texts
  experiment TEXT NOT NULL DEFAULT '',       -- id of the one that came with it
  error TEXT NOT NULL DEFAULT ''
);
CREATE INDEX import_unfinished ON import (no) WHERE state IN (1, 2);
