-- Raw messages that were made into readings anew: what later messages of those times must replace.
CREATE TABLE replay (
  no INTEGER PRIMARY KEY AUTOINCREMENT,
  node_no INTEGER NOT NULL,
  source TEXT NOT NULL,
  from_ns INTEGER NOT NULL,                  -- arrival of the messages, included
  to_ns INTEGER NOT NULL,                    -- excluded
  rules TEXT NOT NULL,                       -- proto/mapping/rules.h
  asked_by TEXT NOT NULL,
  done_ns INTEGER NOT NULL,
  removed INTEGER NOT NULL,                  -- readings
  added INTEGER NOT NULL
);
CREATE INDEX replay_by_source ON replay (node_no, source);
