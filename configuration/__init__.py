"""What every process needs before it works: its configuration, and one way to log an outage.

A configuration is TOML with environment overrides. All mistakes are reported at once, with file
and key.
"""
