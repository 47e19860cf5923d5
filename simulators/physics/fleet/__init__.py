"""Houses, machines and mains of a fleet: their state, its change in a step, its measurement."""
