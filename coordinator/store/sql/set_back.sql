-- When a hello of the node was confirmed last. Who has said none since the store was set back to
-- fact `set_back_to` (ns; there until everybody has) may have delivered what the store lost.
ALTER TABLE node ADD COLUMN last_hello_ns INTEGER NOT NULL DEFAULT 0;
