-- The oldest goes first when there is no room.
CREATE INDEX quarantine_by_age ON quarantine (received_ns);
