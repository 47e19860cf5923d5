"""Benchmarks: speed and size as a table. Nothing here passes or fails; tests never look at the
clock."""
