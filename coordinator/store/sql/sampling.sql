-- How often each node was last told to measure what.
CREATE TABLE sampling (
  node_no INTEGER PRIMARY KEY,
  every_s TEXT,                              -- {"mem": 1.0}; NULL: nobody knows
  command_id INTEGER NOT NULL,               -- its outcome says what came of it
  incarnation_no INTEGER NOT NULL,           -- the process that was told
  told_ns INTEGER NOT NULL
);
