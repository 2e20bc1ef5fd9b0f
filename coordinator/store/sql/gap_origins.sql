-- Of a gap that an import brought in: the store that declared it first, and its number there. NULL:
-- this store, or an archive that does not say.
ALTER TABLE gap ADD COLUMN origin_store BLOB;
ALTER TABLE gap ADD COLUMN origin_no INTEGER;
CREATE INDEX gap_by_origin
  ON gap (origin_store, origin_no, node_no, cause, first_time, last_time)
  WHERE origin_store IS NOT NULL;
