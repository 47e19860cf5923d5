"""A whole heating season of a fleet, block by block: what every poll of it would read, and what
really happened.

`layout` says who stands where, `block` lets the time of some villages pass, `nature` notes what the
physics did by itself.
"""
