-- Readings of a quarantined record, which are neither delivered nor lost; NULL: not known how many.
ALTER TABLE quarantine ADD COLUMN readings INTEGER;
-- All that is asked of a node's, without their records.
CREATE INDEX quarantine_by_node ON quarantine (node_no, readings);
