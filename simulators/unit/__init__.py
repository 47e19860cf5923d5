"""One unit: its quirks, counters, wall panel and fault display. Pure but for what it remembers."""
