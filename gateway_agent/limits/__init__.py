"""What one unit refuses beyond its profile: believed late, taken back at its first answer. Pure."""
