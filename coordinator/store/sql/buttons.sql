-- Brought in from an export: no button means it.
ALTER TABLE experiment ADD COLUMN imported INTEGER NOT NULL DEFAULT 0;
