"""One unit: its quirks, counters, wall panel and fault display. Without clock and I/O."""
