"""The ticket database as the alert service writes it: SQL only; what to write is decided by the
pure modules."""
