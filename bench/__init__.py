"""Benchmarks: speed and size as a table; nothing here passes or fails."""
