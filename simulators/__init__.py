"""Heat pumps, houses and weather that answer on a real Modbus line, and the truth about what they
did.

Imports `wire` and `configuration` only, and never the gateway's decoder: a mistake shared by both
would cancel out.
"""
