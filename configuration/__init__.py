"""How every process reads its configuration: TOML, environment, and all mistakes at once with file
and key."""
