-- Builds: what was planned, what runners made of it, and what they told. Texts that may be long
-- stand last in their rows.

CREATE TABLE build (
  no INTEGER PRIMARY KEY AUTOINCREMENT,      -- what users call it by; none comes twice
  pipeline TEXT NOT NULL,
  ref TEXT NOT NULL,
  commit_id TEXT NOT NULL,
  actor TEXT NOT NULL,                       -- who or what began it
  priority INTEGER NOT NULL,
  concurrency TEXT NOT NULL,                 -- group; empty: none
  mode TEXT NOT NULL,                        -- BuildMode
  created_ns INTEGER NOT NULL,
  state INTEGER NOT NULL,                    -- BuildState
  verdict TEXT,                              -- BuildVerdict; NULL: it has not ended
  started_ns INTEGER,                        -- when its first job went to a node
  ended_ns INTEGER,
  trigger TEXT NOT NULL,                     -- JSON: what made it begin
  source TEXT NOT NULL,                      -- the pipeline's YAML, as it was
  plan TEXT NOT NULL                         -- JSON
);
CREATE INDEX build_by_pipeline ON build (pipeline, no);
CREATE INDEX build_by_verdict ON build (verdict, no);
CREATE INDEX build_open ON build (no) WHERE state < 3;

CREATE TABLE build_job (
  no INTEGER PRIMARY KEY AUTOINCREMENT,
  build_no INTEGER NOT NULL,
  job BLOB NOT NULL UNIQUE,                  -- 16 bytes
  place INTEGER NOT NULL,                    -- in its build, from 0
  key TEXT NOT NULL,                         -- its name in the plan
  name TEXT NOT NULL,                        -- for people
  state INTEGER NOT NULL,                    -- JobState
  fence INTEGER NOT NULL,                    -- of the attempt that counts
  attempt INTEGER NOT NULL,                  -- from 1
  -- The lease; NULL: no node has it. They stay when it has ended.
  node_no INTEGER,
  boot BLOB,                                 -- of that node
  command_id INTEGER,
  leased_ns INTEGER,
  verdict TEXT,                              -- BuildVerdict; NULL: it has not ended
  why TEXT NOT NULL DEFAULT '',
  started_ns INTEGER,                        -- both as the node told
  ended_ns INTEGER,
  log_bytes INTEGER,                         -- NULL: the node did not say
  labels TEXT NOT NULL,                      -- JSON list of texts
  needs TEXT NOT NULL,                       -- JSON list of keys
  outputs TEXT NOT NULL DEFAULT '{}',        -- JSON object of texts
  spec TEXT NOT NULL,                        -- JSON
  UNIQUE (build_no, place)
);
CREATE INDEX build_job_open ON build_job (no) WHERE state < 4;

-- Attempts of jobs that nodes were told of, or tell of: also those of jobs that nobody knows.
CREATE TABLE build_attempt (
  job BLOB NOT NULL,
  fence INTEGER NOT NULL,
  node_no INTEGER NOT NULL,                  -- what other nodes say of it is not believed
  changed_ns INTEGER NOT NULL,
  log_stored INTEGER NOT NULL DEFAULT 0,     -- bytes
  -- How much there will be, as `ended` says. NULL: that did not come yet.
  log_bytes INTEGER,
  fact_count INTEGER,
  PRIMARY KEY (job, fence)
) WITHOUT ROWID;

CREATE TABLE build_fact (
  job BLOB NOT NULL,
  fence INTEGER NOT NULL,
  n INTEGER NOT NULL,
  fact TEXT NOT NULL,                        -- JSON
  received_ns INTEGER NOT NULL,
  PRIMARY KEY (job, fence, n)
) WITHOUT ROWID;

-- Pieces never overlap.
CREATE TABLE build_log (
  job BLOB NOT NULL,
  fence INTEGER NOT NULL,
  offset INTEGER NOT NULL,
  size INTEGER NOT NULL,                     -- decompressed
  codec INTEGER NOT NULL,                    -- 0 plain, 1 zstd
  bytes BLOB NOT NULL,
  PRIMARY KEY (job, fence, offset)
);

CREATE TABLE build_artifact (
  no INTEGER PRIMARY KEY AUTOINCREMENT,
  job BLOB NOT NULL,
  fence INTEGER NOT NULL,
  name TEXT NOT NULL,
  path TEXT NOT NULL,                        -- in the job's workspace
  size INTEGER NOT NULL,
  sha256 BLOB NOT NULL,                      -- 32 bytes
  state INTEGER NOT NULL,                    -- ArtifactState
  command_id INTEGER,                        -- that asked for it last
  base BLOB,                                 -- SHA-256 of what a delta goes by; NULL: the whole
  wire_bytes INTEGER NOT NULL DEFAULT 0,     -- that came for it
  pinned INTEGER NOT NULL DEFAULT 0,         -- bits; 0: not
  created_ns INTEGER NOT NULL,
  UNIQUE (job, fence, name)
);
CREATE INDEX build_artifact_by_state ON build_artifact (state, no);
CREATE INDEX build_artifact_by_hash ON build_artifact (sha256);

-- Jobs of builds that were removed: what nodes told of them goes, some at a time.
CREATE TABLE build_gone (job BLOB PRIMARY KEY) WITHOUT ROWID;

-- What triggers remember: when a schedule was last looked at, where a branch stood.
CREATE TABLE trigger_state (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID;

-- Messages of forges that were handled.
CREATE TABLE seen_delivery (
  id TEXT PRIMARY KEY,                       -- as the forge named it
  body_hash TEXT NOT NULL,                   -- of the same under another name; empty: none
  time_ns INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX seen_delivery_by_hash ON seen_delivery (body_hash);
CREATE INDEX seen_delivery_by_time ON seen_delivery (time_ns);

-- One row.
CREATE TABLE build_queue (
  no INTEGER PRIMARY KEY CHECK (no = 1),
  paused INTEGER NOT NULL,                   -- 1: no job goes to a node
  changed_by TEXT NOT NULL,
  changed_ns INTEGER NOT NULL
);
INSERT INTO build_queue (no, paused, changed_by, changed_ns) VALUES (1, 0, '', 0);
-- 1: no job goes to this node any more.
ALTER TABLE node ADD COLUMN drained INTEGER NOT NULL DEFAULT 0;
