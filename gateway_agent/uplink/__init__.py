"""Readings on their way to the store: journal, publish, resend, forget when acknowledged."""
