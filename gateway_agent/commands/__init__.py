"""Commands to units: check each one, carry it out once, read it back, and keep its result."""
