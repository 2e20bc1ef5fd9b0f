-- Whoever brings in many gaps looks for the same ones by node and time.
DROP INDEX gap_by_node;
CREATE INDEX gap_by_time ON gap (node_no, first_time);
