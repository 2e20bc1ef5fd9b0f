-- Who exists, which names are settled how, and what was lost. proto/README.md tells why.

CREATE TABLE fact (key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;

-- Every generation ever drawn: one that is missing proves that the store was set back [back-4].
CREATE TABLE generation (value INTEGER PRIMARY KEY, drawn_ns INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE node (
  no INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  created_ns INTEGER NOT NULL,
  last_seen_ns INTEGER NOT NULL DEFAULT 0,
  version TEXT NOT NULL DEFAULT '',
  labels TEXT NOT NULL DEFAULT '[]',
  current_incarnation INTEGER,               -- the live one of the last confirmed hello
  run_twice INTEGER NOT NULL DEFAULT 0,      -- [back-3]: not welcomed until released
  branch_changes TEXT NOT NULL DEFAULT '[]', -- times (ns) of the last ones
  accepted INTEGER NOT NULL DEFAULT 0,       -- readings, as the node last told
  accepted_http INTEGER NOT NULL DEFAULT 0,  -- readings that came over the coordinator's HTTP
  delivered INTEGER NOT NULL DEFAULT 0,      -- readings in stored records
  command_counter INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE incarnation (
  no INTEGER PRIMARY KEY AUTOINCREMENT,
  node_no INTEGER NOT NULL,
  spool BLOB NOT NULL,
  value INTEGER NOT NULL,
  parent_no INTEGER,                         -- row of its parent; NULL: the first of its spool
  ordinal INTEGER NOT NULL,
  told_high INTEGER NOT NULL DEFAULT 0,      -- as the last confirmed hello stated it
  known_high INTEGER NOT NULL DEFAULT 0,     -- highest seq ever seen or told
  left_behind INTEGER NOT NULL DEFAULT 0,
  UNIQUE (spool, value)
);
CREATE INDEX incarnation_by_node ON incarnation (node_no);

-- Settled names of any verdict, as disjoint, non-adjacent ranges: a finished incarnation is one
-- row.
CREATE TABLE settled (
  incarnation_no INTEGER NOT NULL,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  PRIMARY KEY (incarnation_no, first)
) WITHOUT ROWID;

-- Those of them that are not `stored`.
CREATE TABLE not_stored (
  incarnation_no INTEGER NOT NULL,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  verdict INTEGER NOT NULL,                  -- wire::Verdict
  PRIMARY KEY (incarnation_no, first)
) WITHOUT ROWID;

CREATE TABLE stored_hash (
  incarnation_no INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  hash BLOB NOT NULL,
  PRIMARY KEY (incarnation_no, seq)
) WITHOUT ROWID;

CREATE TABLE gap (
  no INTEGER PRIMARY KEY AUTOINCREMENT,
  node_no INTEGER NOT NULL,
  cause INTEGER NOT NULL,                    -- wire::GapCause
  state INTEGER NOT NULL,                    -- 1 unconfirmed, 2 declared, 3 closed
  first_time INTEGER,                        -- ns, NULL: not known
  last_time INTEGER,
  readings INTEGER NOT NULL DEFAULT 0,       -- the part that is known
  readings_known INTEGER NOT NULL,           -- 0: more, not known how many
  sets BLOB,                                 -- 16 bytes a set; NULL: not known
  since_ns INTEGER NOT NULL
);
CREATE INDEX gap_by_node ON gap (node_no);

CREATE TABLE gap_name (
  incarnation_no INTEGER NOT NULL,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  gap_no INTEGER NOT NULL,
  PRIMARY KEY (incarnation_no, first)
) WITHOUT ROWID;
CREATE INDEX gap_name_by_gap ON gap_name (gap_no);

CREATE TABLE quarantine (
  incarnation_no INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  node_no INTEGER NOT NULL,
  received_ns INTEGER NOT NULL,
  why TEXT NOT NULL,
  record BLOB NOT NULL,
  PRIMARY KEY (incarnation_no, seq)
) WITHOUT ROWID;

CREATE TABLE event (
  no INTEGER PRIMARY KEY AUTOINCREMENT,
  node_no INTEGER NOT NULL,
  incarnation_no INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  received_ns INTEGER NOT NULL,
  payload TEXT NOT NULL,
  UNIQUE (incarnation_no, seq)
);

CREATE TABLE command (
  node_no INTEGER NOT NULL,
  id INTEGER NOT NULL,
  spool BLOB NOT NULL,
  created_ns INTEGER NOT NULL,
  expires_ns INTEGER NOT NULL,
  verb TEXT NOT NULL,
  arguments TEXT NOT NULL,
  outcome TEXT,                              -- NULL: not answered yet
  PRIMARY KEY (node_no, id)
) WITHOUT ROWID;

CREATE TABLE idempotency (
  key BLOB PRIMARY KEY, accepted_ns INTEGER NOT NULL, lines INTEGER NOT NULL
) WITHOUT ROWID;
