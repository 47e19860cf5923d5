"""One heat pump, elementwise: performance, frost, control, protections, effects of faults."""
