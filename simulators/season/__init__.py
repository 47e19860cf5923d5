"""A whole heating season of a fleet, block by block: the readings of every poll, and the truth.

`layout` names villages, gateways and units. `block` lets the time of some villages pass. `nature`
finds the truths that the physics made by itself.
"""
