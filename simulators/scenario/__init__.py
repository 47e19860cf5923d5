"""What happens in a simulation, read from TOML: weather, houses, planned and random events."""
