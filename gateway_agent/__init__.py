"""The edge: poll heat pumps over Modbus, journal what they say, publish it, and forget it only when it is stored."""
