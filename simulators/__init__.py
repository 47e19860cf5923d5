"""Heat pumps, houses and weather on real Modbus lines, and the truth about what they did.

Imports only `wire` and `configuration`, never the decoder of the gateway: a mistake in both would
cancel out.
"""
