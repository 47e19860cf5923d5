"""The edge: poll heat pumps over Modbus, journal their readings, and publish them until stored.

The whole process stays below 45 MB resident, because village boxes have little memory. Hence it
imports no numpy, and logs through the standard library.
"""
