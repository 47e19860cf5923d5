"""Kinds that take one reading an hour and decide over days, weeks or a season."""
