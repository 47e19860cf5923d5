"""Decisions, pure: messages, readings and time in, one Round of changes out."""
