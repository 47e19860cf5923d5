"""Checks of the tree itself, run by `make check`: citations, names, translations, rooms.

They are for development only and are not packed into the wheel.
"""
