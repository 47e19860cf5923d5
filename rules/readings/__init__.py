"""Readings as columns: batches, the quantities derived from them, the heating season."""
