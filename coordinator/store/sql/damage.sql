-- What was set aside because its bytes are damaged: the gap that tells of it, and whose it was.
CREATE TABLE damage (
  gap_no INTEGER PRIMARY KEY,
  node_no INTEGER NOT NULL,
  ordinal INTEGER,                           -- rank of a batch; NULL: a chunk, which no node has
  seq INTEGER,
  readings INTEGER NOT NULL,
  asked INTEGER NOT NULL DEFAULT 0           -- 1: the node was told to send it again
);
CREATE INDEX damage_by_rank ON damage (node_no, ordinal, seq);
