"""The edge: poll heat pumps over Modbus, journal what they say, publish it, and forget it only when
it is stored.

The whole process is to stay below 45 MB resident, on boxes with little memory: it logs through the
standard library.
"""
