"""Text for people: what commands print on a terminal."""
