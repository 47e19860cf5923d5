"""Trials: rules, a simulated season, stored readings or a whole system put to the test."""
