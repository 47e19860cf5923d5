"""Kinds whose symptom must last for an on-delay before it becomes an alert."""
