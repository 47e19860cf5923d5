"""The engine: every device rule over every reading, in event time, for the whole fleet at once."""
