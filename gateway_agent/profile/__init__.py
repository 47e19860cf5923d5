"""Register maps as data: load one, check that it fits together, and decode registers by it."""
