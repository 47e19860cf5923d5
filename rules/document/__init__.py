"""Rule documents: the keys every rule has, their parsers, and the conditions they may state."""
