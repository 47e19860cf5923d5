"""The reading store in InfluxDB 1.8+, 2.x or 3.x."""
