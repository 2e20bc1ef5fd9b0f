-- Studies: what is recorded, for whom, and what was written down about it. Readings stay where they
-- are: they belong to a recording by series and time.

CREATE TABLE sensor_config (
  name TEXT NOT NULL,
  version INTEGER NOT NULL,                  -- from 1; a version never changes
  created_ns INTEGER NOT NULL,
  author TEXT NOT NULL,
  sensors TEXT NOT NULL,                     -- JSON list, coordinator/experiments/sensor_config.h
  PRIMARY KEY (name, version)
) WITHOUT ROWID;

CREATE TABLE experiment (
  no INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL UNIQUE,
  description TEXT NOT NULL,
  owner TEXT NOT NULL,
  state INTEGER NOT NULL,                    -- ExperimentState
  config_name TEXT,                          -- NULL: none yet
  config_version INTEGER,
  nodes TEXT NOT NULL,                       -- JSON list of patterns; empty: every node
  created_ns INTEGER NOT NULL,
  finished_ns INTEGER
);

-- Participants, operators and tasks.
CREATE TABLE member (
  no INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  experiment_no INTEGER NOT NULL,
  kind INTEGER NOT NULL,                     -- MemberKind
  position INTEGER NOT NULL,                 -- their order, from 0
  name TEXT NOT NULL,
  description TEXT NOT NULL,
  UNIQUE (experiment_no, kind, name)
);
CREATE INDEX member_by_position ON member (experiment_no, kind, position);

CREATE TABLE recording (
  no INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  experiment_no INTEGER NOT NULL,
  participant_no INTEGER,
  task_no INTEGER,
  operator_no INTEGER,
  nodes TEXT NOT NULL,                       -- JSON list of patterns; empty: the experiment's
  started_ns INTEGER NOT NULL,
  stopped_ns INTEGER,                        -- NULL: open
  started_by TEXT NOT NULL,
  stopped_by TEXT NOT NULL,
  pressed_on INTEGER NOT NULL DEFAULT 0      -- series of the button that began it; 0: none
);
CREATE INDEX recording_by_experiment ON recording (experiment_no, started_ns);
CREATE INDEX recording_open ON recording (experiment_no) WHERE stopped_ns IS NULL;
CREATE INDEX recording_pressed ON recording (pressed_on, started_ns) WHERE pressed_on != 0;

-- Buttons that were pressed in the field. Which recordings they make follows from all of a button's
-- together, in the order of their times, however late one arrives.
CREATE TABLE press (
  series_id INTEGER NOT NULL,                -- the button
  time_ns INTEGER NOT NULL,                  -- as it was stamped
  boot BLOB NOT NULL,                        -- empty: good times
  action INTEGER NOT NULL,                   -- PressAction
  by TEXT NOT NULL,                          -- "node greenhouse-3", or who stopped it here
  arrived_ns INTEGER NOT NULL,
  problem TEXT NOT NULL DEFAULT '',          -- why it has no effect; empty: it has
  PRIMARY KEY (series_id, boot, time_ns)
) WITHOUT ROWID;
CREATE INDEX press_without_effect ON press (arrived_ns) WHERE problem != '';

CREATE TABLE progress_mark (
  participant_no INTEGER NOT NULL,
  task_no INTEGER NOT NULL,
  state INTEGER NOT NULL,                    -- ProgressState
  note TEXT NOT NULL,
  at_ns INTEGER NOT NULL,
  PRIMARY KEY (participant_no, task_no)
) WITHOUT ROWID;

CREATE TABLE log_entry (
  no INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  experiment_no INTEGER NOT NULL,
  at_ns INTEGER NOT NULL,                    -- what it is about
  written_ns INTEGER NOT NULL,
  author TEXT NOT NULL,
  recording_no INTEGER,
  participant_no INTEGER,
  text TEXT NOT NULL
);
CREATE INDEX log_entry_by_experiment ON log_entry (experiment_no, no);

-- What was wrong with a sensor while it was recorded, as it looked at the time.
CREATE TABLE health_flag (
  no INTEGER PRIMARY KEY AUTOINCREMENT,
  experiment_no INTEGER NOT NULL,
  sensor TEXT NOT NULL,
  series_id INTEGER NOT NULL,                -- 0: the sensor has no series at all
  kind INTEGER NOT NULL,                     -- HealthKind
  from_ns INTEGER NOT NULL,
  to_ns INTEGER,                             -- NULL: it still is
  detail TEXT NOT NULL
);
CREATE INDEX health_flag_by_experiment ON health_flag (experiment_no, no);
CREATE INDEX health_flag_open ON health_flag (no) WHERE to_ns IS NULL;

CREATE TABLE export (
  no INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  experiment_no INTEGER NOT NULL,
  request TEXT NOT NULL,                     -- JSON, coordinator/exports/export_request.h
  state INTEGER NOT NULL,                    -- ExportState
  created_ns INTEGER NOT NULL,               -- also the end of recordings that were open then
  finished_ns INTEGER,
  files INTEGER NOT NULL DEFAULT 0,
  readings INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER NOT NULL DEFAULT 0,
  error TEXT NOT NULL DEFAULT ''
);
CREATE INDEX export_by_experiment ON export (experiment_no, no);

-- All that a node accepted before this time (ns, its own clock) is settled.
ALTER TABLE node ADD COLUMN settled_until_ns INTEGER NOT NULL DEFAULT 0;
