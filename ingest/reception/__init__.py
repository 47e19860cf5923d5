"""From a delivery to a sealed batch: readings to store, dead letters, counts, watermarks.

Nothing here writes. `admission` reads the list of devices; all other modules are pure.
"""
